package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

var ids = [cells]string{"a", "b", "c"}

// client calls a store and notes what it was answered.
type client struct {
	store  storage.Store
	random *rand.Rand
	known  model // what it saw last
}

func (c *client) next(ctx context.Context, value int) (call, answer, error) {
	switch n := c.random.IntN(10); {
	case n < 2:
		in := call{what: "get", cell: c.random.IntN(cells)}
		var out answer
		r, err := c.store.Get(ctx, key(ids[in.cell]))
		if errors.Is(err, storage.ErrNotFound) {
			err = nil
		}
		out.seen[in.cell] = cellOf(r)
		c.known[in.cell] = out.seen[in.cell]
		return in, out, err
	case n < 4:
		var out answer
		page, err := c.store.List(ctx, storage.Query{Kind: "thing", AllTenants: true, Limit: 10})
		for _, r := range page {
			for i, id := range ids {
				if r.ID == id {
					out.seen[i] = cellOf(r)
				}
			}
		}
		c.known = out.seen
		return call{what: "list"}, out, err
	case n < 6:
		out := answer{claimed: -1}
		claimed, err := c.store.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Hour})
		for _, r := range claimed.Records {
			for i, id := range ids {
				if r.ID == id {
					out.claimed, out.version = i, r.Version
					c.known[i] = cellOf(r)
				}
			}
		}
		return call{what: "claim"}, out, err
	}
	return c.commit(ctx, value)
}

func (c *client) commit(ctx context.Context, value int) (call, answer, error) {
	in := call{what: "commit", value: value}
	var w storage.Write
	for _, i := range c.random.Perm(cells)[:1+c.random.IntN(cells)] {
		known := c.known[i]
		if !known.there {
			known.version = 0
		}
		ch := change{cell: i, version: known.version, what: []string{"put", "put", "hold", "delete"}[c.random.IntN(4)]}
		if ch.what == "delete" && ch.version == 0 {
			ch.what = "put"
		}
		ref := storage.Ref{RecordKey: key(ids[i]), Version: ch.version}
		switch ch.what {
		case "put":
			data := binary.BigEndian.AppendUint32(nil, uint32(value))
			w.Put = append(w.Put, storage.Record{RecordKey: ref.RecordKey, Version: ref.Version, Wake: time.Unix(1, 0).UTC(), Data: data})
		case "hold":
			w.Hold = append(w.Hold, ref)
		case "delete":
			w.Delete = append(w.Delete, ref)
		}
		in.changes = append(in.changes, ch)
	}
	err := c.store.Commit(ctx, w)
	conflict := errors.Is(err, storage.ErrConflict)
	if conflict {
		err = nil
	}
	return in, answer{conflict: conflict}, err
}

func cellOf(r storage.Record) cell {
	if r.Version == 0 {
		return cell{}
	}
	return cell{version: r.Version, there: true, value: int(binary.BigEndian.Uint32(r.Data))}
}

// history lets clients loose on a store and returns what they saw.
func history(t testing.TB, s storage.Store, seed uint64, clients, each int) []porcupine.Operation {
	t.Helper()
	began := time.Now()
	histories, failed := make([][]porcupine.Operation, clients), make([]error, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := client{store: s, random: rand.New(rand.NewPCG(seed, uint64(i)))}
			for n := range each {
				from := time.Since(began)
				in, out, err := c.next(t.Context(), 1+i*each+n)
				if err != nil {
					failed[i] = err
					return
				}
				histories[i] = append(histories[i], porcupine.Operation{
					ClientId: i, Input: in, Output: out, Call: int64(from), Return: int64(time.Since(began)),
				})
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(failed...))
	var ops []porcupine.Operation
	for _, h := range histories {
		ops = append(ops, h...)
	}
	return ops
}

// Whatever clients do at once, what each of them sees could have happened in some order, one call after the other.
func TestEveryStoreIsLinearizable(t *testing.T) {
	pool, circles := countingCircles(t)
	stores := map[string]func(t testing.TB) storage.Store{
		"memory": func(testing.TB) storage.Store { return memory.New(nil) },
		"bolt": func(t testing.TB) storage.Store {
			s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			return s
		},
		"postgres": func(t testing.TB) storage.Store {
			return opened(t, pool, postgres.Options{Schema: newSchema(t, pool)})
		},
	}
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	// Where two writes demand and make the same records for the first time ever, the server may have to choose.
	defer func() { require.LessOrEqual(t, circles.Load(), int64(6), "writes waited for each other in a circle") }()
	for name, fresh := range stores {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				seed := rand.Uint64()
				ops := history(t, fresh(t), seed, 5, 60)
				require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(stepper(name == "postgres"), ops, 20*time.Second), "seed %d", seed)
				won := 0
				for _, op := range ops {
					if op.Input.(call).what == "commit" && !op.Output.(answer).conflict {
						won++
					}
				}
				require.Greater(t, won, 10, "the clients did something")
			}
		})
	}
}

// The model finds stores that are not: each breaks one promise a little.
func TestTheModelFindsBrokenStores(t *testing.T) {
	for name, broken := range map[string]func(storage.Store) storage.Store{
		"says that it has written where it has not": func(s storage.Store) storage.Store { return lying{s} },
		"reads what was":               func(s storage.Store) storage.Store { return &late{Store: s} },
		"forgets to hold":              func(s storage.Store) storage.Store { return careless{s} },
		"claims without a new version": func(s storage.Store) storage.Store { return generous{s} },
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, porcupine.Illegal, porcupine.CheckOperationsTimeout(stepper(false), history(t, broken(memory.New(nil)), 7, 5, 100), 20*time.Second))
		})
	}
}

type lying struct{ storage.Store }

func (s lying) Commit(ctx context.Context, w storage.Write) error {
	err := s.Store.Commit(ctx, w)
	if errors.Is(err, storage.ErrConflict) && len(w.Put) == 2 {
		return nil
	}
	return err
}

type late struct {
	storage.Store
	mu   sync.Mutex
	last []storage.Record
}

func (s *late) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	page, err := s.Store.List(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.last
	s.last = page
	return old, err
}

type careless struct{ storage.Store }

func (s careless) Commit(ctx context.Context, w storage.Write) error {
	w.Hold = nil
	return s.Store.Commit(ctx, w)
}

type generous struct{ storage.Store }

func (s generous) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	got, err := s.Store.Claim(ctx, c)
	for i := range got.Records {
		got.Records[i].Version--
	}
	return got, err
}
