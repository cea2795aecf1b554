package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

var tess = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person, Source: "203.0.113.9"}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// trial is a runner over a store in memory, and the administrator of a customer at the fake Apple.
func trial() (*runner.Runner, storage.Store, *appletest.Apple, *appletest.Admin) {
	apple := appletest.New(appletest.Options{})
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	must(err)
	verifier, err := dep.NewVerifier(dep.Options{Transport: apple.Transport()})
	must(err)
	r, err := runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: verifier})
	must(err)
	return r, store, apple, apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
}

// added is a server with its first token.
func added(r *runner.Runner, admin *appletest.Admin) (*runner.Tenant, enrollment.ServerID) {
	ctx, acme := context.Background(), r.Tenant("acme")
	server, err := acme.AddServer(ctx, tess, runner.NewServer{Name: "Acme MDM"})
	must(err)
	run, err := acme.StartRenewal(ctx, tess, server.ID)
	must(err)
	certificate, err := acme.Certificate(ctx, tess, run.ID)
	must(err)
	service, err := admin.CreateService("Acme MDM", certificate.PEM)
	must(err)
	file, _, err := admin.DownloadToken(service)
	must(err)
	_, err = acme.UploadToken(ctx, tess, runner.Upload{Server: server.ID, Confirm: true, File: bytes.NewReader(file)})
	must(err)
	return acme, server.ID
}

// A server's first token: the same four calls, in the same order, renew it every year.
func Example() {
	r, _, _, admin := trial()
	ctx := context.Background()
	// region renew
	acme := r.Tenant("acme")
	server, err := acme.AddServer(ctx, tess, runner.NewServer{Name: "Acme MDM", Site: "berlin"})
	must(err)
	run, err := acme.StartRenewal(ctx, tess, server.ID)
	must(err)
	certificate, err := acme.Certificate(ctx, tess, run.ID) // its private key is in the store, sealed
	must(err)
	service, err := admin.CreateService("Acme MDM", certificate.PEM) // by hand at the portal
	must(err)
	file, _, err := admin.DownloadToken(service) // by hand, too
	must(err)
	run, err = acme.UploadToken(ctx, tess, runner.Upload{Server: server.ID, File: bytes.NewReader(file)})
	fmt.Println(run.State, "-", enrollment.ProblemOf(err).Title)
	run, err = acme.Confirm(ctx, tess, run.ID) // only a first token asks for it
	fmt.Println(run.State, err)
	// endregion renew
	// Output:
	// awaiting_confirmation - A person must confirm that the token belongs to Acme Inc., service Acme MDM, downloaded by it@acme.example
	// completed <nil>
}

// What is wrong, and what to do about it, for a dashboard over all customers; and each token's end for a gauge.
func ExampleRunner_Servers() {
	r, _, _, admin := trial()
	added(r, admin)
	admin.ChangePassword() // which ends the token
	ctx := context.Background()
	_, err := r.Tenant("acme").CheckServer(ctx, tess, firstServer(r))
	must(err)
	// region servers
	for q := (runner.ServerQuery{}); ; {
		page, err := r.Servers(ctx, q)
		must(err)
		for _, s := range page.Servers {
			fmt.Println(s.Tenant, s.Name, s.Health, s.Causes)
			if s.Problem != nil {
				fmt.Println(s.Problem.Title)
			}
			gauge := float64(s.Token.Expires.Unix()) // abm_token_expires_seconds{tenant, server}
			fmt.Println(time.Until(time.Unix(int64(gauge), 0)) > 300*24*time.Hour)
		}
		if !page.More {
			break
		}
		q.After = page.Next
	}
	// endregion servers
	// Output:
	// acme Acme MDM rejected [replaced password person_left new_key service_gone]
	// Apple does not accept the token (token_rejected)
	// true
}

func firstServer(r *runner.Runner) enrollment.ServerID {
	page, err := r.Servers(context.Background(), runner.ServerQuery{})
	must(err)
	return page.Servers[0].ID
}

// Servers that another program ran before: tokens and key pairs in one stream, any number of them.
func ExampleRunner_Adopt() {
	r, _, _, _ := trial()
	ctx := context.Background()
	// region adopt
	export := strings.NewReader(`[
		{"reference": "crm-17", "name": "Acme MDM", "tenant": "acme", "token": {"consumer_key": "CK_1", "consumer_secret": "CS_1",
			"access_token": "AT_1", "access_secret": "AS_1", "access_token_expiry": "2036-11-24T09:00:00Z"}},
		{"reference": "crm-18", "name": "Beta MDM", "tenant": "beta"}
	]`)
	total, err := r.Adopt(ctx, tess, runner.DecodeAdoptions(export, ""), func(row runner.RowResult) {
		switch {
		case row.Problem != nil:
			fmt.Println(row.Reference, "refused:", row.Problem.Next)
		case row.Warning != nil:
			fmt.Println(row.Reference, row.Outcome, "but:", row.Warning.Title)
		}
	})
	fmt.Printf("%+v %v\n", total, err)
	// endregion adopt
	// Output:
	// crm-18 refused: It must be: a server with a token, a key pair, or both
	// crm-17 added but: The token came without the private key that opens its file
	// {Added:1 Updated:0 Unchanged:0 Refused:1} <nil>
}

// The host's own client keeps no token: it asks for the newest one, and its refusals are known at once.
func ExampleTenant_Tokens() {
	r, _, apple, admin := trial()
	acme, server := added(r, admin)
	ctx := context.Background()
	// region tokens
	client, err := dep.NewClient(acme.Tokens(server), dep.Options{Transport: apple.Transport(), UserAgent: "Acme RMM/7.1"})
	must(err)
	account, err := client.Account(ctx)
	fmt.Println(account.OrgName, err)

	admin.ChangePassword() // somewhere else, a person ends the token
	apple.ExpireSessions()
	_, err = client.Account(ctx)
	view, _ := acme.Server(ctx, server)
	fmt.Println(view.Health, "-", view.Problem.Title)
	// endregion tokens
	fmt.Println(err != nil)
	// Output:
	// Acme Inc. <nil>
	// rejected - Apple does not accept the token (token_rejected)
	// true
}

// hostTx is a store that is bound to the host's own transaction: what is written comes into being with the host's rows.
type hostTx struct {
	storage.Store
	writes []storage.Write
}

func (tx *hostTx) Commit(_ context.Context, w storage.Write) error {
	tx.writes = append(tx.writes, w)
	return nil
}

// A fact that the host learnt is stored in the host's own transaction, together with the host's own rows.
func ExampleRunner_In() {
	r, store, _, admin := trial()
	acme, server := added(r, admin)
	ctx := context.Background()
	token, err := acme.Tokens(server).Token(ctx)
	must(err)
	// region transaction
	must(r.Warm(ctx, "acme")) // before the transaction: within it no key is fetched
	tx := &hostTx{Store: store}
	err = r.In(tx).TokenAnswered(ctx, "acme", server, token.Fingerprint(), abmtoken.ErrRejected)
	must(err)
	before, err := acme.Server(ctx, server)
	must(err)
	for _, w := range tx.writes { // the host commits
		must(store.Commit(ctx, w))
	}
	after, err := acme.Server(ctx, server)
	must(err)
	fmt.Println(before.Health, after.Health)
	// endregion transaction
	// Output: active rejected
}

// An exporter remembers one number, and misses no entry.
func ExampleRunner_ExportAudit() {
	r, _, _, admin := trial()
	added(r, admin)
	ctx := context.Background()
	// region audit
	for cursor := int64(0); ; {
		entries, err := r.ExportAudit(ctx, cursor, 4)
		must(err)
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			fmt.Println(e.Position, e.Tenant, e.Act, strings.TrimSpace(e.By.ID+" "+e.By.Source))
			cursor = e.Position
		}
	}
	// endregion audit
	checkpoint, err := r.AuditCheckpoint(ctx)
	must(err)
	report, err := r.VerifyAudit(ctx, checkpoint)
	fmt.Println(checkpoint.Size, report.Faults, err)
	// Output:
	// 1 acme tenant_opened u-7 203.0.113.9
	// 2 acme server_added u-7 203.0.113.9
	// 3 acme renewal_started u-7 203.0.113.9
	// 4 acme key_made abmrenew
	// 5 acme certificate_taken u-7 203.0.113.9
	// 6 acme file_accepted u-7 203.0.113.9
	// 7 acme token_activated u-7 203.0.113.9
	// 7 [] <nil>
}
