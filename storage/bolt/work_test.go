package bolt_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// The work of the crash tests: numbered steps, each one atomic change of a store as a renewal makes them. A step's
// outcome depends on its number and on the steps before it alone, so a store that did the same steps in memory tells
// what a file must hold after each of them.

// stepClock is the present of a store at its last step.
type stepClock struct{ n atomic.Int64 }

func (c *stepClock) Now() time.Time {
	return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.n.Load()) * time.Second)
}

var workKinds = []string{"server", "renewal", "secret", "audit", "gate"}

// step does step n, from 1 on: an activation, or now and then a claim of what is due.
func (c *stepClock) step(ctx context.Context, s storage.Store, n int) error {
	c.n.Store(int64(n))
	if n%5 == 4 {
		_, err := s.Claim(ctx, storage.Claim{Kinds: []string{"server", "renewal"}, Limit: 3, Lease: 20 * time.Second})
		return err
	}
	w, err := c.activation(ctx, s, n)
	if err != nil {
		return err
	}
	return s.Commit(ctx, w)
}

// activation changes the server, its renewal and its token together, appends to the audit and lets go of what is old.
func (c *stepClock) activation(ctx context.Context, s storage.Store, n int) (w storage.Write, err error) {
	tenant, server := fmt.Sprint("tenant", n%3), fmt.Sprint("srv", n%7)
	named := func(kind, id string) storage.RecordKey { return storage.RecordKey{Kind: kind, Tenant: tenant, ID: id} }
	now := func(k storage.RecordKey) storage.Record {
		r, got := s.Get(ctx, k)
		if got != nil && !errors.Is(got, storage.ErrNotFound) {
			err = errors.Join(err, got)
		}
		r.RecordKey = k
		return r
	}
	put := func(r storage.Record, parent, state string, wake time.Duration, size int) {
		r.Parent, r.State = parent, state
		if r.Wake = (time.Time{}); wake > 0 {
			r.Wake = c.Now().Add(wake)
		}
		r.Data = fmt.Appendf(nil, "%s, step %d ", r.RecordKey, n)
		for len(r.Data) < size {
			r.Data = append(r.Data, byte(n))
		}
		w.Put = append(w.Put, r)
	}
	drop := func(k storage.RecordKey) {
		if r := now(k); r.Version > 0 {
			w.Delete = append(w.Delete, r.Ref())
		}
	}
	put(now(named("server", server)), "site"+fmt.Sprint(n%2), []string{"active", "expiring", "expired"}[n%3], time.Duration(1+n%4)*time.Second, 700)
	put(now(named("renewal", fmt.Sprint("rnw", n))), server, "completed", time.Duration(n%2)*3*time.Second, 900)
	put(now(named("secret", server+"/token/1")), server, "token", 0, 1800+n%5*1500) // some span pages
	put(storage.Record{RecordKey: storage.RecordKey{Kind: "audit", ID: fmt.Sprintf("%06d", n)}}, tenant, "", 0, 300)
	drop(storage.RecordKey{Kind: "renewal", Tenant: fmt.Sprint("tenant", (n-21)%3), ID: fmt.Sprint("rnw", n-21)})
	drop(storage.RecordKey{Kind: "audit", ID: fmt.Sprintf("%06d", n-40)})
	w.Hold = append(w.Hold, now(storage.RecordKey{Kind: "audit", ID: fmt.Sprintf("%06d", n-1)}).Ref())
	if gate := now(named("gate", "switch")); gate.Version > 0 { // comes and goes; its versions never come again
		w.Delete = append(w.Delete, gate.Ref())
	} else {
		put(gate, "", "on", 0, 20)
	}
	return w, err
}

// fingerprint sums up everything that a store holds.
type fingerprint [sha256.Size]byte

func fingerprintOf(ctx context.Context, s storage.Store) (fingerprint, error) {
	h := sha256.New()
	for _, kind := range workKinds {
		for after := (storage.Position{}); ; {
			page, err := s.List(ctx, storage.Query{Kind: kind, AllTenants: true, After: after, Limit: storage.MaxPage})
			if err != nil {
				return fingerprint{}, err
			}
			for _, r := range page {
				_, _ = fmt.Fprintf(h, "%q %q %q %d %d %d\n", r.RecordKey, r.Parent, r.State, r.Wake.UnixMicro(), r.Version, len(r.Data))
				_, _ = h.Write(r.Data)
				after = r.Position()
			}
			if len(page) < storage.MaxPage {
				break
			}
		}
	}
	return fingerprint(h.Sum(nil)), nil
}

// model tells what a store holds after each step.
type model struct {
	clock stepClock
	store *memory.Store
	after []fingerprint // after[n]: of a store that did steps 1 to n
}

func newModel() (*model, error) {
	m := &model{}
	m.store = memory.New(m.clock.Now)
	return m, m.grow(0)
}

// grow makes the model know what is there after step n.
func (m *model) grow(n int) error {
	for len(m.after) <= n {
		if next := len(m.after); next > 0 {
			if err := m.clock.step(context.Background(), m.store, next); err != nil {
				return fmt.Errorf("step %d in memory: %w", next, err)
			}
		}
		f, err := fingerprintOf(context.Background(), m.store)
		if err != nil {
			return err
		}
		m.after = append(m.after, f)
	}
	return nil
}

// Verdicts on a store after a crash.
var (
	errLost = errors.New("an acknowledged step is lost")
	errHalf = errors.New("the store holds what no number of whole steps leaves behind")
)

// judge returns how many steps a store holds, of which acked were acknowledged and at most one more was under way.
// The error matches errLost or errHalf, or is the store's.
func (m *model) judge(s storage.Store, acked int) (int, error) {
	if err := m.grow(acked + 1); err != nil {
		return 0, err
	}
	got, err := fingerprintOf(context.Background(), s)
	if err != nil {
		return 0, err
	}
	for n := acked + 1; n >= 0; n-- {
		if m.after[n] != got {
			continue
		}
		if n < acked {
			return n, fmt.Errorf("%w: it holds %d steps, and %d were acknowledged", errLost, n, acked)
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w (%d were acknowledged)", errHalf, acked)
}
