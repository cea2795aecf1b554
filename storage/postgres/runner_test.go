package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

var tech = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person}

// tally counts what was done outside.
type tally struct {
	abmtoken.Verifier
	mu    sync.Mutex
	times map[string]int
}

func (c *tally) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[what]++
}

func (c *tally) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	c.note("account " + token.Fingerprint())
	return c.Verifier.Account(ctx, token)
}

func (c *tally) Notify(_ context.Context, n enrollment.Notice) error {
	c.note("notice " + n.ID)
	return nil
}

// fleet is several machines of a host over one schema.
type fleet struct {
	t        *testing.T
	passed   atomic.Int64 // of the time, which moves only when the test moves it
	apple    *appletest.Apple
	counts   *tally
	log      bytes.Buffer
	stores   []storage.Store
	machines []*runner.Runner
}

// newFleet plugs machines together; around may put something around each one's store.
func newFleet(t *testing.T, machines int, around func(storage.Store) storage.Store) *fleet {
	t.Helper()
	f := &fleet{t: t}
	now := func() time.Time {
		return time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC).Add(time.Duration(f.passed.Load()))
	}
	f.apple = appletest.New(appletest.Options{Now: now})
	verifier, err := dep.NewVerifier(dep.Options{Transport: f.apple.Transport(), Now: now})
	require.NoError(t, err)
	f.counts = &tally{Verifier: verifier, times: map[string]int{}}
	schema := newSchema(t, pooled(t, pgserver.DSN(t)))
	keys := seal.MemoryKeyring()
	for range machines {
		pool := pooled(t, pgserver.DSN(t)) // each machine has its own
		store := around(opened(t, pool, postgres.Options{Schema: schema, Now: now}))
		sealer, err := seal.New(store, keys, seal.Options{Now: now})
		require.NoError(t, err)
		r, err := runner.New(runner.Config{
			Store: store, Sealer: sealer, Verifier: f.counts, Notifier: f.counts, SettleFor: time.Minute,
			Log: slog.New(slog.NewTextHandler(&f.log, nil)),
		})
		require.NoError(t, err)
		f.stores, f.machines = append(f.stores, store), append(f.machines, r)
	}
	return f
}

// site is a server of ours, and the service at Apple that it stands for.
type site struct {
	tenant  enrollment.TenantID
	id      enrollment.ServerID
	admin   *appletest.Admin
	service *appletest.Service
}

// patiently repeats a call that somebody else is at, or whose outcome is not known.
func patiently[T any](do func() (T, error)) (T, error) {
	for n := 0; ; n++ {
		got, err := do()
		if err == nil || n == 200 || !enrollment.ProblemOf(err).Retry {
			return got, err
		}
	}
}

// renew takes a person through a renewal on a machine.
func (s *site) renew(ctx context.Context, r *runner.Runner, name string) error {
	acme := r.Tenant(s.tenant)
	run, err := patiently(func() (runner.RenewalView, error) { return acme.StartRenewal(ctx, tech, s.id) })
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	cert, err := patiently(func() (runner.Certificate, error) { return acme.Certificate(ctx, tech, run.ID) })
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if s.service == nil {
		s.service, err = s.admin.CreateService(name, cert.PEM)
	} else {
		err = s.admin.ReplaceCertificate(s.service, cert.PEM)
	}
	if err != nil {
		return err
	}
	file, _, err := s.admin.DownloadToken(s.service)
	if err != nil {
		return err
	}
	_, err = patiently(func() (runner.RenewalView, error) {
		return acme.UploadToken(ctx, tech, runner.Upload{Server: s.id, Confirm: true, File: bytes.NewReader(file)})
	})
	if err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	return nil
}

// sites adds servers with their first tokens.
func (f *fleet) sites(n int) []*site {
	f.t.Helper()
	var all []*site
	for i := range n {
		s := &site{tenant: enrollment.TenantID(fmt.Sprint("t", i%3)), admin: f.apple.AddOrganization(fmt.Sprint("Inc. ", i)).AddAdmin(fmt.Sprintf("it@%d.example", i))}
		name := fmt.Sprint("Server ", i)
		server, err := patiently(func() (runner.ServerView, error) {
			return f.machines[0].Tenant(s.tenant).AddServer(f.t.Context(), tech, runner.NewServer{Name: name})
		})
		require.NoError(f.t, err)
		s.id = server.ID
		require.NoError(f.t, s.renew(f.t.Context(), f.machines[0], name))
		all = append(all, s)
	}
	clear(f.counts.times) // what follows counts
	return all
}

// Machines over one database run what is due without pause, while people renew on all of them: nothing outside is done
// twice, and every renewal comes to its end.
func TestMachinesShareADatabase(t *testing.T) {
	f := newFleet(t, 3, func(s storage.Store) storage.Store { return s })
	all := f.sites(4)
	f.passed.Store(int64(340 * 24 * time.Hour)) // probes and reminders of all are due
	f.drive(all)
	for what, times := range f.counts.times {
		assert.Equal(t, 1, times, what)
	}
	f.check(all)
}

// Every third commit or so happens and is reported as unknown. The machines and people go on; renewals end as they should.
func TestMachinesGoOnWhereTheOutcomeOfCommitsIsUnknown(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	quiet := true // until everything is set up
	f := newFleet(t, 2, func(s storage.Store) storage.Store {
		lost := storagetest.Seeded(seed, 0.3)
		return storagetest.FailAfterCommit(s, func(n int) bool { return !quiet && lost(n) })
	})
	all := f.sites(2)
	quiet = false
	f.passed.Store(int64(340 * 24 * time.Hour))
	f.drive(all)
	f.check(all)
}

// A host that hears from Apple that a token is dead tells the runner within the transaction in which it notes that itself.
func TestARunnerTakesFactsInTheHostsTransaction(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, 1, func(s storage.Store) storage.Store { return s })
	r, s := f.machines[0], f.sites(1)[0]
	pool := pooled(t, pgserver.DSN(t))
	view := func() runner.ServerView {
		v, err := r.Tenant(s.tenant).Server(ctx, s.id)
		require.NoError(t, err)
		return v
	}
	fingerprint := view().Token.Fingerprint
	require.NoError(t, r.Warm(ctx, s.tenant))
	for _, end := range []func(pgx.Tx) error{
		func(tx pgx.Tx) error { return tx.Rollback(ctx) },
		func(tx pgx.Tx) error { return tx.Commit(ctx) },
	} {
		require.Equal(t, enrollment.Active, view().Health)
		tx := begun(t, pool, pgx.ReadCommitted)
		require.NoError(t, r.In(f.stores[0].(*postgres.Store).In(tx)).TokenAnswered(ctx, s.tenant, s.id, fingerprint, abmtoken.ErrRejected))
		require.Equal(t, enrollment.Active, view().Health, "not yet")
		require.NoError(t, end(tx))
	}
	require.Equal(t, enrollment.Rejected, view().Health)
}

// drive lets the machines run and people renew every server.
func (f *fleet) drive(all []*site) {
	f.t.Helper()
	done, stop := context.WithCancel(f.t.Context())
	var drivers, people sync.WaitGroup
	for _, r := range f.machines {
		drivers.Go(func() {
			for done.Err() == nil {
				_, err := r.RunDue(done, runner.Due{Limit: 7})
				if err != nil && done.Err() == nil && enrollment.ProblemOf(err) == nil {
					assert.NoError(f.t, err)
				}
			}
		})
	}
	failed := make([]error, len(all))
	for i, s := range all {
		people.Go(func() { failed[i] = s.renew(f.t.Context(), f.machines[i%len(f.machines)], "") })
	}
	people.Wait()
	stop()
	drivers.Wait()
	require.NoError(f.t, errors.Join(failed...))
}

// check demands that every server has its second token and nothing is left to do; on each machine alike.
func (f *fleet) check(all []*site) {
	f.t.Helper()
	for _, s := range all {
		for _, r := range f.machines {
			v, err := r.Tenant(s.tenant).Server(f.t.Context(), s.id)
			require.NoError(f.t, err)
			assert.EqualValues(f.t, 2, v.Token.Generation)
			assert.Len(f.t, v.Keys, 2)
			assert.Nil(f.t, v.LiveRun)
		}
	}
}
