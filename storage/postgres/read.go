package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
)

// Get implements [storage.Store].
func (s *Store) Get(ctx context.Context, k storage.RecordKey) (r storage.Record, err error) {
	if err := k.Validate(); err != nil {
		return r, err
	}
	err = s.reading(ctx, func(b *pgx.Batch) { s.get(b, k, &r) })
	return r, err
}

// GetMany implements [storage.Store].
func (s *Store) GetMany(ctx context.Context, keys []storage.RecordKey) (found map[storage.RecordKey]storage.Record, err error) {
	if err := storage.ValidateKeys(keys); err != nil {
		return nil, err
	}
	err = s.reading(ctx, func(b *pgx.Batch) { s.getMany(b, keys, &found) })
	return found, err
}

// List implements [storage.Store].
func (s *Store) List(ctx context.Context, q storage.Query) (page []storage.Record, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = s.reading(ctx, func(b *pgx.Batch) { s.list(b, q, &page) })
	return page, err
}

// Count implements [storage.Store].
func (s *Store) Count(ctx context.Context, q storage.Query) (counts map[string]int, err error) {
	q.Limit, q.After = storage.MaxPage, storage.Position{}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err = s.reading(ctx, func(b *pgx.Batch) { s.count(b, q, &counts) })
	return counts, err
}

// reading makes one round trip, which is a transaction by itself.
func (s *Store) reading(ctx context.Context, queue func(*pgx.Batch)) error {
	return s.retry(ctx, func(c *pgxpool.Conn) error {
		return send(ctx, c, func(b *pgx.Batch) {
			b.Queue(s.sql.settings, milliseconds(s.options.StatementTimeout), milliseconds(s.options.LockTimeout))
		}, queue)
	})
}

func (s *Store) get(b *pgx.Batch, k storage.RecordKey, r *storage.Record) {
	b.Queue(s.sql.get, k.Kind, k.Tenant, k.ID).QueryRow(func(row pgx.Row) (err error) {
		*r, err = scanned(row)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("%w: %v", storage.ErrNotFound, k)
		}
		return err
	})
}

func (s *Store) getMany(b *pgx.Batch, keys []storage.RecordKey, found *map[storage.RecordKey]storage.Record) {
	*found = make(map[storage.RecordKey]storage.Record, len(keys))
	kinds, tenants, ids := columnsOf(keys)
	b.Queue(s.sql.getMany, kinds, tenants, ids).Query(func(rows pgx.Rows) error {
		clear(*found)
		for rows.Next() {
			r, err := scanned(rows)
			if err != nil {
				return err
			}
			(*found)[r.RecordKey] = r
		}
		return rows.Err()
	})
}

func (s *Store) list(b *pgx.Batch, q storage.Query, page *[]storage.Record) {
	*page = nil
	if !storable(q.Kind, q.Tenant, q.Parent, q.State, q.After.Tenant, q.After.ID) {
		return // no record has such a key
	}
	where, args := filter(q, []any{q.Kind, q.After.Tenant, q.After.ID, q.Limit})
	b.Queue(s.sql.list(where), args...).Query(func(rows pgx.Rows) error {
		*page = nil
		for rows.Next() {
			r, err := scanned(rows)
			if err != nil {
				return err
			}
			*page = append(*page, r)
		}
		return rows.Err()
	})
}

func (s *Store) count(b *pgx.Batch, q storage.Query, counts *map[string]int) {
	*counts = make(map[string]int)
	if !storable(q.Kind, q.Tenant, q.Parent, q.State) {
		return
	}
	where, args := filter(q, []any{q.Kind})
	b.Queue(s.sql.count(where), args...).Query(func(rows pgx.Rows) error {
		*counts = make(map[string]int)
		var state string
		var n int
		_, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error { (*counts)[state] = n; return nil })
		return err
	})
}

// filter gives the conditions of a query; the parameters are behind those in args. That a parent is not empty is said once
// more, because only then the index of parents serves any parameter.
func filter(q storage.Query, args []any) (string, []any) {
	var where strings.Builder
	add := func(condition, value string) {
		args = append(args, value)
		fmt.Fprintf(&where, condition, len(args))
	}
	if !q.AllTenants {
		add(" AND r.tenant = $%d", q.Tenant)
	}
	if q.Parent != "" {
		add(" AND r.parent = $%d AND r.parent <> ''", q.Parent)
	}
	if q.State != "" {
		add(" AND r.state = $%d", q.State)
	}
	return where.String(), args
}

// storable reports whether a text column can hold these. Others are not even asked for: an error would end the host's
// transaction.
func storable(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 {
			return false
		}
	}
	return true
}

// scanned reads the columns of a record, and more behind them.
func scanned(row pgx.Row, more ...any) (r storage.Record, err error) {
	var wake pgtype.Timestamptz
	columns := []any{&r.Kind, &r.Tenant, &r.ID, &r.Parent, &r.State, &wake, &r.Version, &r.Data}
	if err := row.Scan(append(columns, more...)...); err != nil {
		return storage.Record{}, err
	}
	if wake.Valid {
		r.Wake = storage.Instant(wake.Time)
	}
	return r, nil
}
