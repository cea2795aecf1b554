package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/abmrenew/abmrenew/storage"
)

// bound is a store within a transaction of the host's.
type bound struct {
	store *Store
	tx    pgx.Tx
}

// In returns the store within the host's own transaction, for the calls that must happen together with the host's own rows
// or not at all: what it commits becomes true when the host commits, and is gone when it rolls back. The host's transaction
// goes on after a conflict and after whatever else the server refuses, because each call runs in a savepoint.
//
// It is written for the isolation level READ COMMITTED. At REPEATABLE READ and SERIALIZABLE it is as safe, but a conflict
// with what was committed after the transaction began stays one, however often the record is read again: begin anew.
//
// Timeouts and durability (synchronous_commit) are those of the host's transaction. Like the transaction, the store may not
// be used by two goroutines at once, nor longer. Claim tells the time and refuses to lease: other workers would have to
// wait for the end of the transaction.
func (s *Store) In(tx pgx.Tx) storage.Store { return &bound{s, tx} }

func (w *bound) Get(ctx context.Context, k storage.RecordKey) (r storage.Record, err error) {
	if err := k.Validate(); err != nil {
		return r, err
	}
	err = w.send(ctx, func(b *pgx.Batch) { w.store.get(b, k, &r) })
	return r, err
}

func (w *bound) GetMany(ctx context.Context, keys []storage.RecordKey) (found map[storage.RecordKey]storage.Record, err error) {
	if err := storage.ValidateKeys(keys); err != nil {
		return nil, err
	}
	err = w.send(ctx, func(b *pgx.Batch) { w.store.getMany(b, keys, &found) })
	return found, err
}

func (w *bound) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = w.send(ctx, func(b *pgx.Batch) { w.store.list(b, q, &page) })
	return page, err
}

func (w *bound) Count(ctx context.Context, q storage.Query) (counts map[string]int, err error) {
	q.Limit, q.After = storage.MaxPage, storage.Position{}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = w.send(ctx, func(b *pgx.Batch) { w.store.count(b, q, &counts) })
	return counts, err
}

func (w *bound) Claim(ctx context.Context, c storage.Claim) (claimed storage.Claimed, err error) {
	if err := c.Validate(); err != nil {
		return storage.Claimed{}, err
	}
	if c.Limit > 0 {
		return storage.Claimed{}, fmt.Errorf("%w: nothing is claimed within the host's transaction; claim on the store itself", storage.ErrInvalid)
	}
	err = w.send(ctx, func(b *pgx.Batch) { w.store.look(b, named(c), w.store.present(), &claimed) })
	return claimed, err
}

func (w *bound) Commit(ctx context.Context, write storage.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := planned(write)
	if err != nil {
		return err
	}
	return explained(ctx, w.store.write(ctx, w.tx, within(), p))
}

// send reads in a savepoint that is rolled back, so that neither a failure nor the settings touch the host's transaction.
func (w *bound) send(ctx context.Context, queue func(*pgx.Batch)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	part := within()
	err := send(ctx, w.tx, part.begin, func(b *pgx.Batch) { b.Queue(planning) }, queue, func(b *pgx.Batch) {
		b.Queue("ROLLBACK TO SAVEPOINT " + savepoint)
	}, part.commit)
	if _, refused := refusal(err); refused {
		part.undo(ctx, w.tx)
	}
	return explained(ctx, err)
}
