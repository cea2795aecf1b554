package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
)

// Store keeps records in the tables of one schema. It is safe for concurrent use, by any number of processes.
type Store struct {
	pool    *pgxpool.Pool
	options Options
	schema  string
	sql     statements
}

var _ storage.Store = (*Store)(nil)

// New returns the store in a schema of the pool's database. The pool stays the host's, who closes it. Nothing is asked
// before the first call; [Store.Check] tells whether the tables are there.
func New(pool *pgxpool.Pool, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Store{pool: pool, options: o, schema: o.Schema, sql: newStatements(o.Schema)}, nil
}

// present is the parameter $1 of the statements that need the time: null for the database's clock.
func (s *Store) present() *time.Time {
	if s.options.Now == nil {
		return nil
	}
	now := storage.Instant(s.options.Now())
	return &now
}

// conn is what a call works on: a connection of the pool, or the host's transaction.
type conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// frame encloses what must happen whole or not at all.
type frame struct {
	begin    func(*pgx.Batch)
	commit   func(*pgx.Batch)
	rollback string
	final    bool // its commit is the last word
}

// own is a transaction of its own. The isolation level is named, because the database may have another default: rows are
// compared and locked one by one, so the weakest is enough, and it alone never fails for what others do.
func (s *Store) own() frame {
	return frame{
		begin: func(b *pgx.Batch) {
			b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
			b.Queue(s.sql.settings, milliseconds(s.options.StatementTimeout), milliseconds(s.options.LockTimeout))
		},
		commit: func(b *pgx.Batch) {
			b.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
				if t.String() != "COMMIT" { // a transaction that failed is rolled back, and the server calls it no error
					return fmt.Errorf("postgres: COMMIT was answered with %q: nothing was done", t)
				}
				return nil
			})
		},
		rollback: "ROLLBACK",
		final:    true,
	}
}

const savepoint = "abmrenew"

// within is a part of the host's transaction, which lives on whatever becomes of the part.
func within() frame {
	return frame{
		begin:    func(b *pgx.Batch) { b.Queue("SAVEPOINT " + savepoint) },
		commit:   func(b *pgx.Batch) { b.Queue("RELEASE SAVEPOINT " + savepoint) },
		rollback: "ROLLBACK TO SAVEPOINT " + savepoint + "; RELEASE SAVEPOINT " + savepoint,
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// send makes one round trip.
func send(ctx context.Context, c conn, queue ...func(*pgx.Batch)) error {
	var b pgx.Batch
	for _, q := range queue {
		q(&b)
	}
	if b.Len() == 0 {
		return nil
	}
	return c.SendBatch(ctx, &b).Close()
}

// undo goes back to before the frame, even if the caller's context has ended. A connection that is lost has gone back by
// itself. The texts are sent as they are: in a transaction that failed, nothing can be prepared.
func (f frame) undo(ctx context.Context, c conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = c.Exec(ctx, f.rollback, pgx.QueryExecModeSimpleProtocol)
}
