package slognotify_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/enrollment/slognotify"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func ExampleNew() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // so that this example prints the same every day
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	notifier := slognotify.New(log) // the Notifier of a runner.Config

	err := notifier.Notify(context.Background(), enrollment.Notice{
		ID: "srv_1/41/send_notice", Thread: "srv_1/expiry", Kind: enrollment.NoticeExpiry, Days: 7,
		Tenant: "acme", Server: "srv_1", ExpiresAt: time.Date(2026, 12, 24, 9, 0, 0, 0, time.UTC),
	})
	fmt.Println(err)
	// Output:
	// level=WARN msg="a server token expires" notice=srv_1/41/send_notice thread=srv_1/expiry kind=expiry cleared=false tenant=acme server=srv_1 days=7 expires_at=2026-12-24T09:00:00.000Z expires=1798102800
	// <nil>
}

// A monitoring system that alerts by itself wants the expiry as a number: seconds since 1970, one gauge for each token of
// every customer. This is what a handler for /metrics writes.
func ExampleNew_gauge() {
	ctx := context.Background()
	r, err := newHost(ctx) // with one customer's server "MDM", whose token came from an older system
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("# TYPE abm_token_expiry_seconds gauge")
	for query := (runner.ServerQuery{}); ; {
		page, err := r.Servers(ctx, query)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range page.Servers {
			if s.Token != nil {
				fmt.Printf("abm_token_expiry_seconds{tenant=%q,server=%q} %d\n", s.Tenant, s.Name, s.Token.Expires.Unix())
			}
		}
		if !page.More {
			return
		}
		query.After = page.Next
	}
	// Output:
	// # TYPE abm_token_expiry_seconds gauge
	// abm_token_expiry_seconds{tenant="acme",server="MDM"} 1798102800
}

func newHost(ctx context.Context) (*runner.Runner, error) {
	store := memory.New(func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) })
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		return nil, err
	}
	r, err := runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: struct{ abmtoken.Verifier }{}})
	if err != nil {
		return nil, err
	}
	_, err = r.Adopt(ctx, enrollment.Actor{ID: "import", Kind: enrollment.System}, func(yield func(runner.Adoption, error) bool) {
		yield(runner.Adoption{Tenant: "acme", Reference: "17", Name: "MDM", Token: abmtoken.NewSecret(`{
			"consumer_key": "CK_0", "consumer_secret": "CS_0", "access_token": "AT_0", "access_secret": "AS_0",
			"access_token_expiry": "2026-12-24T09:00:00Z"}`)}, nil)
	}, nil)
	return r, err
}
