package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// The version of a deleted record is remembered for a week; then its row goes, by and by.
func TestDeletionsAreRememberedForAWeek(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	schema := newSchema(t, pool)
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	s := opened(t, pool, postgres.Options{Schema: schema, Now: func() time.Time { return now }})
	remove := func(id string) {
		require.NoError(t, s.Commit(ctx, storage.Write{Delete: []storage.Ref{get(t, s, id).Ref()}}))
	}
	rows := func() (n int) {
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM "+schema+".records").Scan(&n))
		return n
	}
	put(t, s, record("a"), record("b"), record("c"), record("d"), record("e"), record("f"))
	remove("a")
	remove("b")
	remove("c")
	require.NoError(t, s.Commit(ctx, storage.Write{Hold: []storage.Ref{{RecordKey: key("absent")}}}))
	now = now.Add(6 * 24 * time.Hour)
	remove("d")
	require.Equal(t, 7, rows(), "all are remembered")
	put(t, s, record("a"))
	require.EqualValues(t, 2, get(t, s, "a").Version)

	now = now.Add(2 * 24 * time.Hour)
	remove("e")
	require.Equal(t, 5, rows(), "two of the old ones were forgotten")
	remove("f")
	require.Equal(t, 4, rows(), "and the last one; d is not old yet")
	put(t, s, record("b"), record("d"))
	require.EqualValues(t, 1, get(t, s, "b").Version)
	require.EqualValues(t, 2, get(t, s, "d").Version)
}

// What the transactions of a store are like, whatever the defaults of the database: a trigger looks at them from within.
func TestCommitsAreDurableAndPlainWhateverTheDefaults(t *testing.T) {
	ctx := context.Background()
	direct := pooled(t, pgserver.DSN(t))
	schema := newSchema(t, direct)
	_, err := direct.Exec(ctx, `
CREATE TABLE `+schema+`.seen (id serial, durable text, level text);
CREATE FUNCTION `+schema+`.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO `+schema+`.seen (durable, level) VALUES (current_setting('synchronous_commit'), current_setting('transaction_isolation'));
	RETURN NEW;
END $$;
CREATE TRIGGER look AFTER INSERT OR UPDATE ON `+schema+`.records FOR EACH ROW EXECUTE FUNCTION `+schema+`.look()`)
	require.NoError(t, err)
	for given, want := range map[string]string{"off": "on", "on": "on", "local": "local", "remote_apply": "remote_apply"} {
		pool := pooled(t, pgserver.DSN(t), func(c *pgxpool.Config) {
			c.ConnConfig.RuntimeParams["synchronous_commit"] = given
			c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
			c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		})
		s := opened(t, pool, postgres.Options{Schema: schema})
		r := record("a " + given)
		r.Wake = storage.Instant(time.Now().Add(-time.Hour))
		put(t, s, r)
		claimed, err := s.Claim(ctx, storage.Claim{Kinds: []string{"thing"}, Limit: 1, Lease: time.Hour})
		require.NoError(t, err)
		require.Len(t, claimed.Records, 1)
		put(t, s, claimed.Records...)
		var n, plain int
		require.NoError(t, direct.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE durable = $1 AND level = 'read committed') FROM "+schema+".seen", want).Scan(&n, &plain))
		require.Equal(t, 3, n, given)
		require.Equal(t, n, plain, given)
		_, err = direct.Exec(ctx, "TRUNCATE "+schema+".seen")
		require.NoError(t, err)
	}
}

// Where a policy of the database hides rows from writes, a commit does not pretend to have written them.
func TestAWriteThatIsHiddenIsNoSuccess(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	put(t, s, record("a"))
	_, err := pool.Exec(ctx, `
CREATE FUNCTION `+schema+`.ignore() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER ignore BEFORE UPDATE ON `+schema+`.records FOR EACH ROW EXECUTE FUNCTION `+schema+`.ignore()`)
	require.NoError(t, err)
	require.ErrorContains(t, s.Commit(ctx, storage.Write{Put: []storage.Record{get(t, s, "a")}}), "trigger")
}
