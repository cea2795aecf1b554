package renewal_test

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

func ExampleStart() {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	by := enrollment.Actor{ID: "u-7", Kind: enrollment.Person}
	tr, err := renewal.Start(enrollment.DefaultPolicy(), now, renewal.Request{
		ID: "rnw_1", Server: enrollment.Server{ID: "srv_1", Tenant: "acme"}, Health: enrollment.Expiring, By: by,
	})
	fmt.Println(tr.Renewal.State, tr.Renewal.Due(now)[0].ID, err)
	// Output: checking_push rnw_1/1/check_push <nil>
}

func ExampleStartPush() {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	by, policy := enrollment.Actor{ID: "u-7", Kind: enrollment.Person}, enrollment.DefaultPolicy()
	tr, _ := renewal.StartPush(policy, now, renewal.PushRequest{
		ID: "rnw_2", Push: enrollment.Push{ID: "psh_1", Tenant: "acme"}, By: by,
	})
	making := tr.Renewal.Due(now)[0]
	fmt.Println(tr.Renewal.State, making.ID)

	// The host has made the key pair; it stores that in the same write as this step.
	tr, _ = tr.Renewal.Step(policy, now, renewal.KeyMade{
		Result: enrollment.Result{Effect: making.ID, Outcome: enrollment.OK}, KeyID: "key_1",
	})
	fmt.Println(tr.Renewal.State, tr.Renewal.Allowed(policy, now, by))
	// Output:
	// making_request rnw_2/1/make_push_key
	// awaiting_certificate [upload_certificate request_taken cancel]
}
