package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

// breakage makes stores that break one promise.
type breakage interface{ factory() Factory }

// forgetful is a store that loses something when it is opened again.
type forgetful func(t testing.TB, s storage.Store, now func() time.Time) storage.Store

func (f forgetful) factory() Factory {
	factory := soundFactory()
	factory.Reopen = f
	return factory
}

// A sound store passes each case: the suite demands nothing impossible.
func TestASoundStorePasses(t *testing.T) { Run(t, soundFactory()) }

// Each case is failed by every store that breaks what it is about: a case that no store can fail proves nothing.
func TestEveryCaseCatchesBrokenStores(t *testing.T) {
	ways := breakages()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.NotEmpty(t, ways[c.name], "no store is known that fails this case")
			for what, b := range ways[c.name] {
				caught := false
				for range 20 { // what depends on chance may get through once
					if err := run(t, b.factory(), c); err != nil {
						t.Logf("%s: %.150v", what, err)
						caught = true
						break
					}
				}
				assert.True(t, caught, "a store got through: %s", what)
			}
		})
		delete(ways, c.name)
	}
	assert.Empty(t, ways, "no case has this name")
}

func breakages() map[string]map[string]breakage {
	all := map[string]map[string]breakage{}
	for _, group := range []map[string]map[string]breakage{
		brokenCommits(), brokenHolds(), brokenBounds(), brokenClaims(), brokenShards(), brokenListings(), brokenReadings(), brokenReopening(),
	} {
		for name, ways := range group {
			all[name] = ways
		}
	}
	return all
}

func brokenReopening() map[string]map[string]breakage {
	copyOf := func(s storage.Store, now func() time.Time, change func(*storage.Record) bool) storage.Store {
		fresh := memory.New(now)
		page, _ := s.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage})
		for _, r := range page {
			if !change(&r) {
				continue
			}
			want := r.Version
			for r.Version = 0; r.Version < want; r.Version++ {
				_ = fresh.Commit(ctx, storage.Write{Put: []storage.Record{r}})
			}
		}
		return fresh
	}
	return map[string]map[string]breakage{
		"everything survives a restart": {
			"all is lost": forgetful(func(_ testing.TB, _ storage.Store, now func() time.Time) storage.Store { return memory.New(now) }),
			"leases are lost": forgetful(func(_ testing.TB, s storage.Store, now func() time.Time) storage.Store {
				return copyOf(s, now, func(r *storage.Record) bool {
					if !r.Wake.IsZero() {
						r.Version, r.Wake = 1, storage.Instant(start.Add(-time.Hour))
					}
					return true
				})
			}),
			"deletions are forgotten": forgetful(func(_ testing.TB, s storage.Store, now func() time.Time) storage.Store {
				return copyOf(s, now, func(*storage.Record) bool { return true })
			}),
			"one record is lost": forgetful(func(_ testing.TB, s storage.Store, now func() time.Time) storage.Store {
				return copyOf(s, now, func(r *storage.Record) bool { return r.Position() != storage.Position{Tenant: "a", ID: "10"} })
			}),
			"columns are lost": forgetful(func(_ testing.TB, s storage.Store, now func() time.Time) storage.Store {
				return copyOf(s, now, func(r *storage.Record) bool { r.Parent = ""; return true })
			}),
		},
	}
}

// The cancelled context, for each method.
func deaf(method string) breakage {
	return fault(func(sound storage.Store, b *broken) {
		b.Store = &deafStore{sound, method}
	})
}

// deafStore does not heed the context in one method.
type deafStore struct {
	storage.Store
	method string
}

func (d *deafStore) heard(ctx context.Context, method string) context.Context {
	if method == d.method {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (d *deafStore) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	return d.Store.Get(d.heard(ctx, "Get"), k)
}

func (d *deafStore) GetMany(ctx context.Context, keys []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	return d.Store.GetMany(d.heard(ctx, "GetMany"), keys)
}

func (d *deafStore) Commit(ctx context.Context, w storage.Write) error {
	return d.Store.Commit(d.heard(ctx, "Commit"), w)
}

func (d *deafStore) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	return d.Store.Claim(d.heard(ctx, "Claim"), c)
}

func (d *deafStore) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	return d.Store.List(d.heard(ctx, "List"), q)
}

func (d *deafStore) Count(ctx context.Context, q storage.Query) (map[string]int, error) {
	return d.Store.Count(d.heard(ctx, "Count"), q)
}

// oneByOne writes the records of a write one after the other.
func oneByOne(sound storage.Store, w storage.Write) error {
	if err := w.Validate(); err != nil {
		return err
	}
	for _, d := range w.Delete {
		if err := sound.Commit(ctx, storage.Write{Delete: []storage.Ref{d}}); err != nil {
			return err
		}
	}
	for _, r := range w.Put {
		if err := sound.Commit(ctx, storage.Write{Put: []storage.Record{r}}); err != nil {
			return err
		}
		if len(w.Put) < 10 {
			moment()
		}
	}
	return sound.Commit(ctx, storage.Write{Hold: w.Hold})
}

// unlocked compares first and writes then.
func unlocked(sound storage.Store, w storage.Write) error {
	if err := errors.Join(w.Validate(), compared(sound, w)); err != nil {
		return err
	}
	moment()
	return forced(sound, storage.Write{Put: w.Put, Delete: w.Delete})
}

func TestTheSuiteRunsInTheOrderOfItsGroups(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases {
		require.False(t, seen[c.name], "two cases are called %q", c.name)
		seen[c.name] = true
	}
	assert.Greater(t, len(cases), 30, fmt.Sprint(len(cases)))
}
