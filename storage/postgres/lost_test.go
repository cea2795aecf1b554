package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// theCommit is in the message that asks for one, and not in the one that begins a transaction READ COMMITTED.
const theCommit = "\x00COMMIT\x00"

// unknown demands an error that is none of storage's own: that is how a store says that it cannot tell.
func unknown(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	for _, known := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrInvalid, storage.ErrLocked, storage.ErrDamaged, storage.ErrFull,
		context.Canceled, context.DeadlineExceeded,
	} {
		require.NotErrorIs(t, err, known)
	}
	require.ErrorContains(t, err, "read again")
}

// A commit whose connection was lost is not repeated, and the caller hears that nobody knows: both is possible.
func TestACommitThatWasCutOffIsUnknown(t *testing.T) {
	ctx := context.Background()
	t.Run("the server has not heard of it", func(t *testing.T) {
		direct, _, schema := newStore(t)
		p, pool := newProxy(t, once(theCommit, beforeSending))
		s := opened(t, pool, postgres.Options{Schema: schema})
		unknown(t, s.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}}))
		require.Equal(t, 1, p.cut())
		_, err := direct.Get(ctx, key("a"))
		require.ErrorIs(t, err, storage.ErrNotFound)
		put(t, s, record("a")) // the pool has another connection by now
	})
	t.Run("the answer is lost", func(t *testing.T) {
		direct, _, schema := newStore(t)
		put(t, direct, record("a"))
		p, pool := newProxy(t, once(theCommit, afterSending))
		s := opened(t, pool, postgres.Options{Schema: schema})
		a := get(t, s, "a")
		unknown(t, s.Commit(ctx, storage.Write{Put: []storage.Record{a, record("b")}}))
		require.Equal(t, 1, p.cut())
		require.EqualValues(t, 2, get(t, direct, "a").Version, "it happened, once")
		require.EqualValues(t, 1, get(t, direct, "b").Version)
	})
}

// A COMMIT that became something else on the way, as in a transaction that had failed, is not taken for one.
func TestACommitThatWasAnsweredWithARollbackIsNoSuccess(t *testing.T) {
	direct, _, schema := newStore(t)
	_, pool := newProxy(t, func(sent []byte) cut {
		if i := bytes.Index(sent, []byte(theCommit)); i >= 0 {
			copy(sent[i+1:], "ABORT ")
		}
		return pass
	})
	s := opened(t, pool, postgres.Options{Schema: schema})
	require.ErrorContains(t, s.Commit(t.Context(), storage.Write{Put: []storage.Record{record("a")}}), "ROLLBACK")
	_, err := direct.Get(t.Context(), key("a"))
	require.ErrorIs(t, err, storage.ErrNotFound)
}

// What was lost before a COMMIT is made again by the store, and once.
func TestConnectionsThatAreLostBeforeACommitAreReplaced(t *testing.T) {
	ctx := context.Background()
	for what, text := range map[string]string{"when it begins": "BEGIN", "while it locks": "FOR SHARE"} {
		for how, c := range map[string]cut{"before": beforeSending, "after": afterSending} {
			t.Run(what+", "+how, func(t *testing.T) {
				direct, _, schema := newStore(t)
				put(t, direct, record("held"))
				p, pool := newProxy(t, nthOf(text, c))
				s := opened(t, pool, postgres.Options{Schema: schema})
				w := storage.Write{Put: []storage.Record{record("a")}, Hold: []storage.Ref{{RecordKey: key("held"), Version: 1}}}
				require.NoError(t, s.Commit(ctx, w))
				require.Equal(t, 1, p.cut())
				require.EqualValues(t, 1, get(t, direct, "a").Version)
			})
		}
	}
	t.Run("reads", func(t *testing.T) {
		direct, _, schema := newStore(t)
		put(t, direct, record("a"))
		p, pool := newProxy(t, once("SELECT", beforeSending))
		require.EqualValues(t, 1, get(t, opened(t, pool, postgres.Options{Schema: schema}), "a").Version)
		require.Equal(t, 1, p.cut())
	})
}

// nthOf cuts once, and without waiting for an answer to a COMMIT.
func nthOf(text string, how cut) func([]byte) cut {
	first := once(text, how)
	return func(sent []byte) cut {
		if first(sent) == pass {
			return pass
		}
		return beforeSending
	}
}

// Connections are cut at random; every writer that hears "unknown" reads before it goes on. Nothing is lost and nothing is
// done twice.
func TestWritersThatReadAgainCountRightOverABrokenNetwork(t *testing.T) {
	const writers, each = 4, 30
	ctx := context.Background()
	direct, _, schema := newStore(t)
	counter := record("counter")
	counter.Data = []byte{0}
	put(t, direct, counter)
	var cutting atomic.Bool
	cutting.Store(true)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p, pool := newProxy(t, func(sent []byte) cut {
		if !cutting.Load() || random.IntN(12) > 0 {
			return pass
		}
		if bytes.Contains(sent, []byte(theCommit)) && random.IntN(2) == 0 {
			return afterSending
		}
		return beforeSending
	})
	s := opened(t, pool, postgres.Options{Schema: schema})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for done := 0; done < each; {
				mine := record("mark " + string(rune('a'+i)) + " " + string(rune('A'+done)))
				if _, err := direct.Get(ctx, mine.RecordKey); err == nil { // it had happened
					done++
					continue
				}
				r, err := s.Get(ctx, counter.RecordKey)
				if err != nil {
					continue
				}
				r.Data[0]++
				if err := s.Commit(ctx, storage.Write{Put: []storage.Record{r, mine}}); err == nil {
					done++
				} else if errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrInvalid) {
					assert.NoError(t, err)
					return
				}
			}
		})
	}
	all.Wait()
	cutting.Store(false)
	require.EqualValues(t, writers*each, get(t, direct, "counter").Data[0])
	require.NotZero(t, p.cut())
	t.Logf("%d cuts", p.cut())
}

// The server is stopped and started again, and killed and started again, while writers are at work: what was acknowledged
// is there, and the same stores go on.
func TestAServerThatIsRestartedLosesNothing(t *testing.T) {
	ctx := context.Background()
	server := pgserver.New(t, "fsync=on")
	pool := pooled(t, server.DSN())
	s := opened(t, pool, postgres.Options{Schema: newSchema(t, pool)})
	const writers = 4
	var acked [writers]atomic.Int64
	for i := range writers {
		put(t, s, storage.Record{RecordKey: key(string(rune('a' + i))), Data: []byte("0")})
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := s.Get(ctx, key(string(rune('a'+i))))
				if err == nil && s.Commit(ctx, storage.Write{Put: []storage.Record{r}}) == nil {
					acked[i].Store(r.Version + 1)
				}
			}
		})
	}
	progress := func() {
		for i := range writers {
			for from := acked[i].Load(); acked[i].Load() < from+20; {
				<-time.After(time.Millisecond)
			}
		}
	}
	for _, how := range []os.Signal{os.Interrupt, os.Kill} {
		progress()
		server.Stop(how)
		require.NoError(t, server.Start("fsync=on"))
		progress()
		for i := range writers {
			want := acked[i].Load()
			assert.GreaterOrEqual(t, get(t, s, string(rune('a'+i))).Version, want)
		}
	}
	close(stop)
	all.Wait()
}
