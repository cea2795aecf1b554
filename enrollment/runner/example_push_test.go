package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// pushTrial is a runner over a store in memory that asks the fake push service about push certificates.
func pushTrial() (*runner.Runner, *apnshttp.Client, *appletest.Push) {
	push := appletest.New(appletest.Options{}).Push()
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	must(err)
	client, err := apnshttp.New(apnshttp.Options{Dial: push.Dial, RootCAs: push.Roots()})
	must(err)
	r, err := runner.New(runner.Config{
		Store: store, Sealer: sealer, Verifier: nobodyAsked{}, PushProber: &apnshttp.Prober{Client: client, Ask: apnshttp.AskProbe},
	})
	must(err)
	return r, client, push
}

// issuedFor is what Apple issued for a key.
func issuedFor(push *appletest.Push, topic string, key apns.Key) []byte {
	now := time.Now()
	certificate, err := apns.ParseCertificate(push.Issue(key.Public(), topic, now.AddDate(0, 0, -1), now.AddDate(1, 0, -1)).Raw)
	must(err)
	return certificate.PEM()
}

// A push certificate: the same three calls get the first one and renew it every year.
func ExampleTenant_UploadPush() {
	r, _, push := pushTrial()
	ctx, signer, account := context.Background(), vendor(), push.Account("it@acme.example")
	// region push
	acme := r.Tenant("acme")
	run, err := acme.StartPushRenewal(ctx, tess)
	must(err)
	request, err := acme.PushRequest(ctx, tess, run.ID, signer) // its private key is in the store, sealed
	must(err)
	made, err := account.Create(request.PortalFile) // by hand at identity.apple.com/pushcert; Renew in later years
	must(err)
	run, err = acme.UploadPush(ctx, tess, run.ID, bytes.NewReader(made.PEM))
	fmt.Println(run.State, err)
	view, err := acme.Push(ctx)
	fmt.Println(view.Health, view.Certificate.Topic == made.Topic, err)
	// endregion push
	// Output:
	// completed <nil>
	// active true <nil>
}

// A certificate that the host already has is taken over, and held against everything that can be known; one with another
// topic never takes its place.
func ExampleTenant_ImportPush() {
	r, _, push := pushTrial()
	ctx := context.Background()
	key, other := pushKey(0), pushKey(1)
	file := issuedFor(push, ourTopic, key)
	// region import
	acme := r.Tenant("acme")
	view, err := acme.ImportPush(ctx, tess, runner.PushImport{Certificate: file, Key: key.RevealPEM()})
	must(err)
	for _, f := range view.Report.Findings {
		fmt.Println(f.Verdict, f.Check)
	}
	_, err = acme.ImportPush(ctx, tess, runner.PushImport{Certificate: issuedFor(push, otherTopic, other), Key: other.RevealPEM()})
	fmt.Println(enrollment.ProblemOf(err).Code)
	// endregion import
	// Output:
	// pass purpose
	// pass topic
	// pass validity
	// pass issuer
	// pass production
	// pass key
	// push_other_topic
}

// The host's own pushes keep no certificate: each batch asks for the newest one, and says what came of it.
func ExampleRunner_PushSource() {
	r, client, push := pushTrial()
	ctx := context.Background()
	_, err := r.Tenant("acme").ImportPush(ctx, tess, runner.PushImport{
		Certificate: issuedFor(push, ourTopic, pushKey(0)), Key: pushKey(0).RevealPEM(),
	})
	must(err)
	device := push.AddDevice(ourTopic)
	// region source
	source := r.PushSource()
	certificate, err := source.Certificate(ctx, "acme") // the tenant's own, or the account's
	must(err)
	result, err := client.Push(ctx, certificate, apnshttp.Device{Token: device.Token, Magic: device.Magic})
	must(err)
	must(source.Answered(ctx, "acme", certificate, result.Answer()))
	view, err := r.Tenant("acme").Push(ctx)
	fmt.Println(result.Outcome, view.Health, err)
	// endregion source
	// Output: accepted active <nil>
}
