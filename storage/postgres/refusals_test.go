package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// refusing makes the server refuse writes of records with an error code: when a row is written, or when the transaction is
// committed. The first so many writes are refused; calls tells how many there were.
func refusing(t *testing.T, pool *pgxpool.Pool, schema, code string, atCommit bool, first int) (calls func() int) {
	t.Helper()
	kind := "TRIGGER refuse BEFORE INSERT OR UPDATE"
	if atCommit {
		kind = "CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE"
	}
	deferred := map[bool]string{true: "DEFERRABLE INITIALLY DEFERRED"}[atCommit]
	_, err := pool.Exec(context.Background(), fmt.Sprintf(`
CREATE SEQUENCE %[1]s.writes;
CREATE FUNCTION %[1]s.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF nextval('%[1]s.writes') <= %[2]d THEN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '%[3]s'; END IF;
	RETURN NEW;
END $$;
CREATE %[4]s ON %[1]s.records %[5]s FOR EACH ROW EXECUTE FUNCTION %[1]s.refuse()`, schema, first, code, kind, deferred))
	require.NoError(t, err)
	return func() (n int) {
		require.NoError(t, pool.QueryRow(context.Background(), "SELECT last_value FROM "+schema+".writes").Scan(&n))
		return n
	}
}

// Where the server gave a write up for others, it is made again, and once; in the end the caller hears of it.
func TestWritesThatTheServerGaveUpAreRepeated(t *testing.T) {
	ctx := context.Background()
	for _, code := range []string{"40001", "40P01"} {
		for _, atCommit := range []bool{false, true} {
			t.Run(fmt.Sprint(code, " at commit ", atCommit), func(t *testing.T) {
				s, pool, schema := newStore(t)
				calls := refusing(t, pool, schema, code, atCommit, 3)
				put(t, s, record("a"))
				require.EqualValues(t, 1, get(t, s, "a").Version)
				require.Equal(t, 4, calls())
			})
		}
		t.Run(code+" without end", func(t *testing.T) {
			s, pool, schema := newStore(t)
			calls := refusing(t, pool, schema, code, false, 1000)
			require.ErrorIs(t, s.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}}), storage.ErrConflict)
			require.Greater(t, calls(), 3)
		})
	}
}

func TestWhatTheServerRefusesIsExplained(t *testing.T) {
	ctx := context.Background()
	for code, want := range map[string]error{"53100": storage.ErrFull, "XX001": storage.ErrDamaged, "XX002": storage.ErrDamaged, "55P03": storage.ErrLocked} {
		for _, atCommit := range []bool{false, true} {
			t.Run(fmt.Sprint(code, " at commit ", atCommit), func(t *testing.T) {
				s, pool, schema := newStore(t)
				calls := refusing(t, pool, schema, code, atCommit, 1)
				require.ErrorIs(t, s.Commit(ctx, storage.Write{Put: []storage.Record{record("a")}}), want)
				require.Equal(t, 1, calls(), "nobody tried again")
				put(t, s, record("a")) // nothing was done, and the connection is as good as before
			})
		}
	}
	t.Run("within the host's transaction", func(t *testing.T) {
		s, pool, schema := newStore(t)
		refusing(t, pool, schema, "53100", false, 1)
		tx := begun(t, pool, pgx.ReadCommitted)
		require.ErrorIs(t, s.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{record("a")}}), storage.ErrFull)
		put(t, s.In(tx), record("a"))
		require.NoError(t, tx.Commit(ctx))
		get(t, s, "a")
	})
}
