package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// aged returns the age that the store tells, and how long ago, by the server's clock, a moment was.
func aged(t *testing.T, s *postgres.Store, pool *pgxpool.Pool, since time.Time) (age postgres.Age, least time.Duration) {
	t.Helper()
	var now time.Time
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now))
	age, err := s.Age(t.Context())
	require.NoError(t, err)
	return age, now.Sub(since)
}

func began(t *testing.T, tx pgx.Tx) (at time.Time) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), "SELECT now()").Scan(&at))
	return at
}

// What keeps old versions of rows, or a lock, is seen as long as it lasts: a snapshot, a write, a prepared transaction. A
// transaction that does neither is nobody's trouble.
func TestTheAgeOfTheOldestTransactionIsTold(t *testing.T) {
	ctx := t.Context()
	pool := pooled(t, pgserver.New(t, "max_prepared_transactions=1").DSN()) // where nobody else has transactions
	schema := newSchema(t, pool)
	s := opened(t, pool, postgres.Options{Schema: schema})

	idle := begun(t, pool, pgx.ReadCommitted)
	since := began(t, idle)
	_, err := idle.Exec(ctx, "SELECT 1", pgx.QueryExecModeSimpleProtocol) // which leaves no portal open
	require.NoError(t, err)
	age, _ := aged(t, s, pool, since)
	require.Zero(t, age, "it has no snapshot between its statements")
	require.NoError(t, idle.Rollback(ctx))

	for what, begin := range map[string]func() pgx.Tx{
		"a snapshot": func() pgx.Tx { return begun(t, pool, pgx.RepeatableRead) },
		"a write": func() pgx.Tx {
			tx := begun(t, pool, pgx.ReadCommitted)
			_, err := tx.Exec(ctx, "SELECT pg_current_xact_id()")
			require.NoError(t, err)
			return tx
		},
	} {
		tx := begin()
		since := began(t, tx)
		younger := begun(t, pool, pgx.RepeatableRead)
		began(t, younger)
		age, least := aged(t, s, pool, since)
		require.GreaterOrEqual(t, age.Oldest, least, what)
		require.Less(t, age.Oldest, time.Minute, what)
		require.NoError(t, tx.Rollback(ctx))
		require.NoError(t, younger.Rollback(ctx))
		age, _ = aged(t, s, pool, since)
		require.Zero(t, age, what+" has ended")
	}

	tx := begun(t, pool, pgx.ReadCommitted)
	_, err = tx.Exec(ctx, "SELECT pg_current_xact_id(); PREPARE TRANSACTION 'left over'")
	require.NoError(t, err)
	require.NoError(t, pool.QueryRow(ctx, "SELECT prepared FROM pg_prepared_xacts").Scan(&since))
	age, least := aged(t, s, pool, since)
	require.GreaterOrEqual(t, age.Oldest, least, "a prepared transaction")
	_, err = pool.Exec(ctx, "ROLLBACK PREPARED 'left over'")
	require.NoError(t, err)
}

// A role with the store's rights alone sees its own transactions, and is told that there may be others.
func TestTheAgeTellsWhatTheRoleMayNotSee(t *testing.T) {
	ctx := t.Context()
	admin := pooled(t, pgserver.New(t).DSN())
	_, err := admin.Exec(ctx, "CREATE ROLE worker LOGIN")
	require.NoError(t, err)
	pool := pooled(t, admin.Config().ConnString(), func(c *pgxpool.Config) { c.ConnConfig.User = "worker" })
	s := opened(t, pool, postgres.Options{})

	old := begun(t, admin, pgx.RepeatableRead)
	since := began(t, old)
	age, _ := aged(t, s, pool, since)
	require.Zero(t, age.Oldest, "somebody else's")
	require.Positive(t, age.Hidden)

	own := begun(t, pool, pgx.RepeatableRead)
	age, least := aged(t, s, pool, began(t, own))
	require.GreaterOrEqual(t, age.Oldest, least)
	require.Positive(t, age.Hidden)

	_, err = admin.Exec(ctx, "GRANT pg_read_all_stats TO worker")
	require.NoError(t, err)
	age, least = aged(t, s, pool, since)
	require.GreaterOrEqual(t, age.Oldest, least)
	require.Zero(t, age.Hidden)
}

func TestAnAgeThatCannotBeToldIsAnError(t *testing.T) {
	s, _, _ := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Age(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "oldest transaction")
}
