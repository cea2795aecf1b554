package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// hostOrder is what a host process is told in its environment.
type hostOrder struct {
	Store, Keyring string
	Apple          string        // base URL of the device assignment service and, below /portal/, of the portal
	Ahead          time.Duration // how far the clock of this life is ahead
	Primes         []*big.Int
	Finish         bool // renew each server once more, and end
}

const hostEnv = "ABMRENEW_TEST_HOST"

// TestMain turns the test binary into a host where it is told to be one.
func TestMain(m *testing.M) {
	text, isHost := os.LookupEnv(hostEnv)
	if !isHost {
		os.Exit(m.Run())
	}
	var order hostOrder
	err := json.Unmarshal([]byte(text), &order)
	if err == nil {
		err = order.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// killedServers is how many servers the host renews in turn.
const killedServers = 4

func killedServer(i int) enrollment.ServerID { return enrollment.ServerID(fmt.Sprintf("srv_%d", i)) }

// run is a host's process: it renews one server after the other, together with the person who sits in front of it.
func (o hostOrder) run(ctx context.Context) error {
	now := func() time.Time { return time.Now().Add(o.Ahead) }
	store, err := bolt.Open(o.Store, bolt.Options{Now: now})
	if err != nil {
		return err
	}
	keyring, err := seal.OpenKeyring(o.Keyring, true)
	if err != nil {
		return err
	}
	sealer, err := seal.New(store, keyring, seal.Options{})
	if err != nil {
		return err
	}
	verifier, err := dep.NewVerifier(dep.Options{BaseURL: o.Apple, Loopback: true, Now: now})
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{
		Store: store, Sealer: sealer, Verifier: verifier, Notifier: &inbox{}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	r.MakeKeysWith(func(k abmtoken.KeyOptions) (abmtoken.KeyPair, error) {
		return newPair(rand.IntN(len(o.Primes)*(len(o.Primes)-1)/2), k, o.Primes)
	})
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return err
	}
	go func() { _ = r.Run(ctx, 20*time.Millisecond) }()
	for i := range killedServers {
		if err := o.pickUp(ctx, r.Tenant("acme"), i); err != nil {
			return fmt.Errorf("going on with server %d: %w", i, err)
		}
	}
	first := rand.IntN(killedServers)
	if o.Finish {
		first = 0 // all of them
	}
	for i := first; ; i = (i + 1) % killedServers {
		if err := o.renew(ctx, r.Tenant("acme"), i); err != nil {
			return fmt.Errorf("renewing server %d: %w", i, err)
		}
		if o.Finish && i == killedServers-1 {
			return store.Close()
		}
	}
}

// pickUp uploads once more the file that was downloaded last: nobody knows whether it arrived.
func (o hostOrder) pickUp(ctx context.Context, acme *runner.Tenant, i int) error {
	if _, err := acme.AddServer(ctx, tech, runner.NewServer{ID: killedServer(i), Name: fmt.Sprintf("Server %d", i)}); err != nil {
		return err
	}
	file, err := o.portal("last", i, nil)
	if err != nil || len(file) == 0 {
		return err
	}
	return o.upload(ctx, acme, i, file)
}

func (o hostOrder) renew(ctx context.Context, acme *runner.Tenant, i int) error {
	run, err := acme.StartRenewal(ctx, tech, killedServer(i))
	if err != nil {
		return err
	}
	cert, err := acme.Certificate(ctx, tech, run.ID)
	if err != nil {
		return err
	}
	if _, err := o.portal("certificate", i, cert.PEM); err != nil {
		return err
	}
	file, err := o.portal("download", i, nil)
	if err != nil {
		return err
	}
	return o.upload(ctx, acme, i, file)
}

func (o hostOrder) upload(ctx context.Context, acme *runner.Tenant, i int, file []byte) error {
	_, err := acme.UploadToken(ctx, tech, runner.Upload{Server: killedServer(i), Confirm: true, File: reader(file)})
	if err != nil {
		return err
	}
	view, err := acme.Server(ctx, killedServer(i))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, "active", i, view.Token.Generation, view.Token.Fingerprint) // a promise: this is kept
	return err
}

// portal is what the person does at Apple's portal.
func (o hostOrder) portal(what string, i int, body []byte) ([]byte, error) {
	res, err := http.Post(fmt.Sprintf("%s/portal/%s/%d", o.Apple, what, i), "", bytes.NewReader(body)) //nolint:noctx // the other end is our parent
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("portal: %s %s", res.Status, text)
	}
	return text, err
}
