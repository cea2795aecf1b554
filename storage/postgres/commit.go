package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
)

// Commit implements [storage.Store]. It takes two round trips: one that locks and compares, one that writes and commits.
func (s *Store) Commit(ctx context.Context, w storage.Write) error {
	p, err := planned(w)
	if err != nil {
		return err
	}
	return s.retry(ctx, func(c *pgxpool.Conn) error { return s.write(ctx, c, s.own(), p) })
}

// write does the whole of a write within a frame, or nothing of it.
func (s *Store) write(ctx context.Context, c conn, f frame, p *plan) error {
	err := s.prepare(ctx, c, f, p)
	if said, refused := refusal(err); refused && said.Code == uniqueViolation && p.bulk() {
		f.undo(ctx, c)
		p.careful = true // COPY knows nothing of records that were deleted, nor which one is in the way
		err = s.prepare(ctx, c, f, p)
	}
	if err != nil {
		f.undo(ctx, c)
		return s.conflict(ctx, c, err)
	}
	written := 0
	err = send(ctx, c, func(b *pgx.Batch) {
		s.apply(b, p, &written)
		if f.final && len(p.remove) > 0 {
			b.Queue(s.sql.forget, s.present(), 2*len(p.remove))
		}
	}, f.commit)
	switch _, refused := refusal(err); {
	case err == nil && written < len(p.put)+len(p.remove):
		return errors.New("postgres: not all of the write was done: a policy or trigger on the tables stands in its way")
	case err == nil:
		return nil
	case refused:
		f.undo(ctx, c)
		return err
	case f.final: // pgconn.SafeToRetry is no help: of a batch it was seen to be true after a COMMIT was sent
		return &unknownError{err}
	}
	return err
}

// prepare opens the frame, locks what is there, in the order of the keys, creates what is new, and compares.
func (s *Store) prepare(ctx context.Context, c conn, f frame, p *plan) error {
	var found []row
	created := 0
	err := send(ctx, c, f.begin, func(b *pgx.Batch) {
		s.lock(b, p.locks, &found)
		if !p.bulk() {
			s.create(b, p, &created)
		}
	})
	if err != nil {
		return err
	}
	absent, err := p.compare(p.locks, found)
	if err == nil && p.bulk() {
		created, err = s.copy(ctx, c, p.create)
	}
	if err == nil && created < len(p.create) {
		err = &existsError{keysOf(p.create)}
	}
	if err == nil && len(absent) > 0 {
		err = s.holdAbsent(ctx, c, p, absent)
	}
	return err
}

// holdAbsent writes down that records do not exist, so that there is something to lock.
func (s *Store) holdAbsent(ctx context.Context, c conn, p *plan, absent []demand) error {
	kinds, tenants, ids, _ := columnsOfDemands(absent)
	var found []row
	// The second statement sees what others committed while the first one waited for them.
	err := send(ctx, c, func(b *pgx.Batch) {
		b.Queue(s.sql.mark, s.present(), kinds, tenants, ids)
		s.lock(b, absent, &found)
	})
	if err != nil {
		return err
	}
	still, err := p.compare(absent, found)
	if err == nil && len(still) > 0 {
		err = &storage.ConflictError{Key: still[0].RecordKey} // it went away in between
	}
	return err
}

// create inserts the new records, and counts them.
func (s *Store) create(b *pgx.Batch, p *plan, created *int) {
	for chunk := range chunks(p.create) {
		kinds, tenants, ids := columnsOf(keysOf(chunk))
		v := valuesOf(chunk)
		b.Queue(s.sql.create, kinds, tenants, ids, v.parents, v.states, v.wakes, v.data).Exec(counted(created))
	}
}

// copy inserts many new records in the fastest way.
func (s *Store) copy(ctx context.Context, c conn, records []storage.Record) (int, error) {
	i, v := -1, valuesOf(records)
	n, err := c.CopyFrom(ctx, pgx.Identifier{s.schema, "records"},
		[]string{"kind", "tenant", "id", "parent", "state", "wake", "version", "data"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if i++; i == len(records) {
				return nil, nil
			}
			r := &records[i]
			return []any{r.Kind, r.Tenant, r.ID, r.Parent, r.State, v.wakes[i], 1, v.data[i]}, nil
		}))
	return int(n), err
}

func counted(n *int) func(pgconn.CommandTag) error {
	return func(t pgconn.CommandTag) error {
		*n += int(t.RowsAffected())
		return nil
	}
}

// existsError says that one of these records exists, although it should be new.
type existsError struct{ keys []storage.RecordKey }

func (e *existsError) Error() string        { return "one of the new records exists" }
func (e *existsError) Is(target error) bool { return target == storage.ErrConflict }

// conflict finds out which record an existsError is about.
func (s *Store) conflict(ctx context.Context, c conn, err error) error {
	exists, is := err.(*existsError) //nolint:errorlint // made right above, never wrapped
	if !is {
		return err
	}
	n := 1
	kinds, tenants, ids := columnsOf(exists.keys)
	err = send(ctx, c, func(b *pgx.Batch) {
		b.Queue(s.sql.exists, kinds, tenants, ids).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&n}, func() error { return nil })
			return err
		})
	})
	if err != nil {
		return err
	}
	return &storage.ConflictError{Key: exists.keys[n-1]} // the first one, if it is gone again
}

// lock locks the rows of records, as many as there are.
func (s *Store) lock(b *pgx.Batch, locks []demand, found *[]row) {
	if len(locks) == 0 {
		return
	}
	kinds, tenants, ids, change := columnsOfDemands(locks)
	b.Queue(s.sql.lock, kinds, tenants, ids, change).Query(func(rows pgx.Rows) error {
		*found = make([]row, len(locks))
		for rows.Next() {
			var n int
			var tid *string
			var version *int64
			var gone bool
			if err := rows.Scan(&n, &tid, &version, &gone); err != nil {
				return err
			}
			if tid != nil {
				(*found)[n-1] = row{tid: *tid, version: *version, gone: gone}
			}
		}
		return rows.Err()
	})
}

// apply writes what was compared, and counts it.
func (s *Store) apply(b *pgx.Batch, p *plan, written *int) {
	for chunk := range chunks(p.put) {
		v := valuesOf(chunk)
		b.Queue(s.sql.put, p.at(keysOf(chunk)), v.parents, v.states, v.wakes, v.data).Exec(counted(written))
	}
	if len(p.remove) > 0 {
		b.Queue(s.sql.remove, s.present(), p.at(p.remove)).Exec(counted(written))
	}
}
