package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

func TestARecordThatIsLockedForTooLongIsReported(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	put(t, s, record("a"), record("b"))
	hasty := opened(t, pool, postgres.Options{Schema: schema, LockTimeout: 20 * time.Millisecond})
	a := get(t, s, "a")
	tx := begun(t, pool, pgx.ReadCommitted)
	put(t, s.In(tx), a)

	require.ErrorIs(t, hasty.Commit(ctx, storage.Write{Put: []storage.Record{a, record("c")}}), storage.ErrLocked)
	_, err := hasty.Claim(ctx, storage.Claim{Keys: []storage.RecordKey{a.RecordKey}, Limit: 1, Lease: time.Minute})
	require.NoError(t, err, "it is not due, so nobody waits for it")
	require.EqualValues(t, 1, get(t, hasty, "a").Version, "reading waits for nobody")
	require.NoError(t, tx.Rollback(ctx))
	put(t, hasty, a, record("c"))
}

// A claim of kinds passes records that somebody else works on; one that names a record waits for it, and sees what came of it.
func TestClaimsPassWhatIsLockedOrWaitForIt(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	due := storage.Instant(time.Now().Add(-time.Hour))
	for _, id := range []string{"a", "b"} {
		r := record(id)
		r.Wake = due
		put(t, s, r)
	}
	a := get(t, s, "a")
	tx := begun(t, pool, pgx.ReadCommitted)
	a.State = "changed"
	put(t, s.In(tx), a)

	c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 10, Lease: time.Minute})
	require.NoError(t, err)
	require.Len(t, c.Records, 1)
	require.Equal(t, "b", c.Records[0].ID)

	claimed := make(chan storage.Claimed, 1)
	go func() {
		c, err := s.Claim(ctx, storage.Claim{Keys: []storage.RecordKey{a.RecordKey}, Limit: 10, Lease: time.Minute})
		assert.NoError(t, err)
		claimed <- c
	}()
	waiting(t, pool, schema)
	require.NoError(t, tx.Commit(ctx))
	c = <-claimed
	require.Len(t, c.Records, 1)
	assert.Equal(t, "changed", c.Records[0].State)
	assert.EqualValues(t, 3, c.Records[0].Version)
}

func TestAStatementThatTakesTooLongIsEnded(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	put(t, s, record("a"))
	hasty := opened(t, pool, postgres.Options{Schema: schema, StatementTimeout: 30 * time.Millisecond, LockTimeout: 2 * time.Second})
	all := func() []error {
		_, got := hasty.Get(ctx, key("a"))
		_, listed := hasty.List(ctx, storage.Query{Kind: "thing", Limit: 1})
		_, counted := hasty.Count(ctx, storage.Query{Kind: "thing"})
		_, claimed := hasty.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Minute})
		return []error{got, listed, counted, claimed, hasty.Commit(ctx, storage.Write{Put: []storage.Record{record("b")}})}
	}
	require.NoError(t, errors.Join(all()...)) // the statements are prepared by now, which waits for the table, too
	require.ErrorIs(t, errors.Join(all()...), storage.ErrConflict)
	tx := begun(t, pooled(t, pgserver.DSN(t)), pgx.ReadCommitted)
	_, err := tx.Exec(ctx, "LOCK TABLE "+schema+".records")
	require.NoError(t, err)
	for _, err := range all() {
		require.Equal(t, "57014", sqlState(err), "%v", err)
	}
	require.NoError(t, tx.Rollback(ctx))
	var setting string
	require.NoError(t, pool.QueryRow(ctx, "SHOW statement_timeout").Scan(&setting))
	require.Equal(t, "0", setting, "nothing is left on the connection")
}

// A worker that stops between locking and committing, as a stopped process or machine does, keeps others waiting for no longer
// than its statement timeout; when it goes on, it finds that its commit has not happened.
func TestAWorkerThatStopsInTheMiddleOfAWriteIsPassed(t *testing.T) {
	ctx := context.Background()
	direct, _, schema := newStore(t)
	put(t, direct, record("a"))
	stopped, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	_, pool := newProxy(t, func(sent []byte) cut {
		if bytes.Contains(sent, []byte(theCommit)) {
			first.Do(func() { close(stopped); <-goOn })
		}
		return pass
	})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	s := opened(t, pool, postgres.Options{Schema: schema, StatementTimeout: 50 * time.Millisecond})
	a := get(t, direct, "a")
	late := make(chan error, 1)
	go func() { late <- s.Commit(ctx, storage.Write{Put: []storage.Record{a, record("b")}}) }()
	<-stopped
	put(t, direct, a)
	release()
	unknown(t, <-late)
	require.EqualValues(t, 2, get(t, direct, "a").Version)
	_, err := direct.Get(ctx, key("b"))
	require.ErrorIs(t, err, storage.ErrNotFound)
}

// An old snapshot that somebody leaves open makes nothing wrong.
func TestAnOldSnapshotChangesNothing(t *testing.T) {
	ctx := context.Background()
	s, pool, _ := newStore(t)
	for i := range 20 {
		r := record(fmt.Sprint(i))
		r.Wake = storage.Instant(time.Now().Add(-time.Hour))
		put(t, s, r)
	}
	old := begun(t, pool, pgx.RepeatableRead)
	in := s.In(old)
	require.EqualValues(t, 1, get(t, in, "3").Version)
	for round := range 5 {
		c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 100, Lease: time.Minute})
		require.NoError(t, err)
		require.Len(t, c.Records, 20, "round %d", round)
		for i := range c.Records {
			c.Records[i].Wake = storage.Instant(c.Now.Add(-time.Hour))
		}
		put(t, s, c.Records...)
	}
	require.EqualValues(t, 11, get(t, s, "3").Version)
	require.EqualValues(t, 1, get(t, in, "3").Version, "the snapshot is what it was")
}

// What is due at this very moment and was not claimed is due now, not next.
func TestWhatIsDueAtThisMomentIsMore(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	s := opened(t, pool, postgres.Options{Schema: newSchema(t, pool), Now: func() time.Time { return now }})
	for _, id := range []string{"a", "b"} {
		r := record(id)
		r.Wake = now
		put(t, s, r)
	}
	for _, limit := range []int{0, 1} {
		c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: limit, Lease: time.Minute})
		require.NoError(t, err)
		assert.Len(t, c.Records, limit)
		assert.True(t, c.More)
		assert.Zero(t, c.Next)
	}
	c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: 2 * time.Minute})
	require.NoError(t, err)
	assert.Equal(t, "b", c.Records[0].ID)
	assert.False(t, c.More)
	assert.Equal(t, now.Add(time.Minute), c.Next, "the end of the first lease")
}
