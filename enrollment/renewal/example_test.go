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
