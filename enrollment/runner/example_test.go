package runner_test

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// nobodyAsked stands for enrollment/dep where nothing is asked.
type nobodyAsked struct{ abmtoken.Verifier }

func ExampleRunner_Servers() {
	ctx := context.Background()
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: nobodyAsked{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	by := enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person}
	if _, err := r.Tenant("acme").AddServer(ctx, by, runner.NewServer{Name: "Acme MDM"}); err != nil {
		fmt.Println(err)
		return
	}
	page, err := r.Servers(ctx, runner.ServerQuery{})
	for _, s := range page.Servers {
		fmt.Println(s.Tenant, s.Name, s.Health, err)
	}
	// Output: acme Acme MDM missing <nil>
}
