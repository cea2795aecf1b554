package abmrenew_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// A host from the first line to the first token. Against the real Apple it leaves out the transport of the fake, keeps its
// keys in a file, its records in storage/bolt, and a person does what the administrator does here.
func Example() {
	apple := appletest.New(appletest.Options{})
	admin := apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx := context.Background()

	// region host
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	check(err)
	verifier, err := dep.NewVerifier(dep.Options{Transport: apple.Transport()})
	check(err)
	r, err := runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: verifier})
	check(err)

	tess := enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person}
	acme := r.Tenant("acme")
	server, err := acme.AddServer(ctx, tess, runner.NewServer{Name: "Acme MDM"})
	check(err)
	renewal, err := acme.StartRenewal(ctx, tess, server.ID)
	check(err)
	certificate, err := acme.Certificate(ctx, tess, renewal.ID) // for the portal
	check(err)
	service, err := admin.CreateService("Acme MDM", certificate.PEM) // a person does
	check(err)
	file, _, err := admin.DownloadToken(service) // these two at the portal
	check(err)
	renewal, err = acme.UploadToken(ctx, tess, runner.Upload{Server: server.ID, Confirm: true, File: bytes.NewReader(file)})
	check(err)
	_, err = r.RunDue(ctx, runner.Due{}) // every minute, from the host's own scheduler
	check(err)
	// endregion host

	server, err = acme.Server(ctx, server.ID)
	check(err)
	fmt.Println(renewal.State, server.Health)
	// Output: completed active
}
