package storagetest

import (
	"context"
	"errors"
	"sync"

	"github.com/abmrenew/abmrenew/storage"
)

// ErrInjected is what the wrappers fail with. It is none of storage's sentinels, so that for a Commit it means: the
// outcome is unknown.
var ErrInjected = errors.New("storagetest: injected failure")

// Call is one call of a store.
type Call struct {
	N      int            // the how-manieth call, from 1 on
	Method string         // "Get", "GetMany", "Commit", "Claim", "List", "Count"
	Write  *storage.Write // of a Commit
}

// Hooks see the calls of a store, and may block or fail them. They are called from whatever goroutine calls the
// store, without a lock.
type Hooks struct {
	Before func(Call) error        // an error fails the call: nothing is done
	After  func(Call, error) error // gets the store's error; what it returns is returned in its place
}

// Intercepted is a store with hooks.
type Intercepted struct {
	store storage.Store
	hooks Hooks

	mu sync.Mutex
	n  int
}

var _ storage.Store = (*Intercepted)(nil)

// Intercept puts hooks around each call of a store: to count and record calls, to stop at one of them, to crash there
// (panic in a hook, and go on with the store below), or to fail it before or after it was done.
func Intercept(store storage.Store, hooks Hooks) *Intercepted {
	return &Intercepted{store: store, hooks: hooks}
}

// FailNth fails the nth call, counted from 1, before it reaches the store. A test loops over every n until
// Calls tells that the last run made fewer.
func FailNth(store storage.Store, n int) *Intercepted {
	return Intercept(store, Hooks{Before: func(c Call) error {
		if c.N == n {
			return ErrInjected
		}
		return nil
	}})
}

// FailNthAfter lets the nth call, counted from 1, happen and then reports ErrInjected: a read whose result is lost, a
// commit or a claim whose outcome the caller does not know.
func FailNthAfter(store storage.Store, n int) *Intercepted {
	return Intercept(store, Hooks{After: func(c Call, err error) error {
		if c.N == n && err == nil {
			return ErrInjected
		}
		return err
	}})
}

// FailAfterCommit lets each Commit for which when returns true happen and then reports ErrInjected, as a database
// does whose answer is lost: the outcome is unknown to the caller. Commits are counted from 1.
func FailAfterCommit(store storage.Store, when func(commit int) bool) *Intercepted {
	var mu sync.Mutex
	commits := 0
	return Intercept(store, Hooks{After: func(c Call, err error) error {
		if c.Method != "Commit" {
			return err
		}
		mu.Lock()
		commits++
		lost := when(commits)
		mu.Unlock()
		if err == nil && lost {
			return ErrInjected
		}
		return err
	}})
}

// Seeded returns true for a share of the numbers, the same ones for the same seed: for [FailAfterCommit].
func Seeded(seed uint64, share float64) func(n int) bool {
	return func(n int) bool {
		x := seed + uint64(n)*0x9E3779B97F4A7C15 // splitmix64
		x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
		x = (x ^ x>>27) * 0x94D049BB133111EB
		return float64((x^x>>31)>>11)/(1<<53) < share
	}
}

// Calls returns how many calls were made.
func (s *Intercepted) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *Intercepted) call(method string, w *storage.Write, do func() error) error {
	s.mu.Lock()
	s.n++
	c := Call{N: s.n, Method: method, Write: w}
	s.mu.Unlock()
	if s.hooks.Before != nil {
		if err := s.hooks.Before(c); err != nil {
			return err
		}
	}
	err := do()
	if s.hooks.After != nil {
		err = s.hooks.After(c, err)
	}
	return err
}

// Get implements [storage.Store].
func (s *Intercepted) Get(ctx context.Context, k storage.RecordKey) (r storage.Record, err error) {
	err = s.call("Get", nil, func() error { r, err = s.store.Get(ctx, k); return err })
	if err != nil {
		return storage.Record{}, err
	}
	return r, nil
}

// GetMany implements [storage.Store].
func (s *Intercepted) GetMany(ctx context.Context, keys []storage.RecordKey) (found map[storage.RecordKey]storage.Record, err error) {
	err = s.call("GetMany", nil, func() error { found, err = s.store.GetMany(ctx, keys); return err })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Commit implements [storage.Store].
func (s *Intercepted) Commit(ctx context.Context, w storage.Write) error {
	return s.call("Commit", &w, func() error { return s.store.Commit(ctx, w) })
}

// Claim implements [storage.Store].
func (s *Intercepted) Claim(ctx context.Context, c storage.Claim) (got storage.Claimed, err error) {
	err = s.call("Claim", nil, func() error { got, err = s.store.Claim(ctx, c); return err })
	if err != nil {
		return storage.Claimed{}, err
	}
	return got, nil
}

// List implements [storage.Store].
func (s *Intercepted) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	err = s.call("List", nil, func() error { page, err = s.store.List(ctx, q); return err })
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Count implements [storage.Store].
func (s *Intercepted) Count(ctx context.Context, q storage.Query) (counts map[string]int, err error) {
	err = s.call("Count", nil, func() error { counts, err = s.store.Count(ctx, q); return err })
	if err != nil {
		return nil, err
	}
	return counts, nil
}
