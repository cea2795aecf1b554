package storagetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Factory makes the stores under test.
type Factory struct {
	// New returns an empty store whose present is now. It is called once for each case and cleans up through t.
	New func(t testing.TB, now func() time.Time) storage.Store
	// Reopen closes a store, as a restart of the process does, and opens what it kept. Nil: the store does not last,
	// and the cases that need it are left out.
	Reopen func(t testing.TB, s storage.Store, now func() time.Time) storage.Store
	// Precision is the finest difference of two wake times that the store keeps. Zero: a microsecond, which is what
	// the contract asks for; an adapter that declares more says so in its documentation.
	Precision time.Duration
}

// Run runs every case against a store of its own.
func Run(t *testing.T, f Factory) {
	t.Helper()
	for _, c := range cases {
		if c.durable && f.Reopen == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if err := run(t, f, c); err != nil {
				t.Error(err)
			}
		})
	}
}

// one case is one promise. It returns an error, so that the suite itself can be tested with broken stores.
type testCase struct {
	name    string
	durable bool // needs Reopen
	run     func(ctx context.Context, e *env) error
}

var cases = join(commitCases, holdCases, boundCases, deleteCases, claimCases, shardCases, listCases, manyCases, lastingCases)

func join(groups ...[]testCase) (all []testCase) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func run(t testing.TB, f Factory, c testCase) error {
	e := &env{clock: &clock{now: start}, precision: max(f.Precision, time.Microsecond)}
	e.Store = f.New(t, e.clock.Now)
	if f.Reopen != nil {
		e.reopen = func() { e.Store = f.Reopen(t, e.Store, e.clock.Now) }
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return c.run(ctx, e)
}

// env is what a case works with.
type env struct {
	storage.Store
	clock     *clock
	precision time.Duration
	reopen    func()
}

// start is not in UTC on purpose, and finer than any store keeps.
var start = time.Date(2026, 11, 24, 13, 0, 0, 123_456_789, time.FixedZone("CET", 3600))

// clock is moved by the cases.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
