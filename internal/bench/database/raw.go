package database

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/abmrenew/abmrenew/storage"
)

// copied writes new records with COPY, the fastest way there is.
func (s *side) copied(ctx context.Context, records []storage.Record) error {
	_, err := s.pool.CopyFrom(ctx, pgx.Identifier{s.schema, "records"},
		[]string{"kind", "tenant", "id", "parent", "state", "wake", "version", "data"},
		pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
			r := records[i]
			return []any{r.Kind, r.Tenant, r.ID, r.Parent, r.State, wake(r), 1, r.Data}, nil
		}))
	return err
}

func wake(r storage.Record) *time.Time {
	if r.Wake.IsZero() {
		return nil
	}
	return &r.Wake
}

// claimed leases a hundred due moves in one statement, and brings them.
func (s *side) claimed(ctx context.Context) (int, error) {
	rows, err := s.pool.Query(ctx, `
WITH due AS (
	SELECT kind, tenant, id FROM `+s.table()+` WHERE kind = 'move' AND wake <= $1 ORDER BY wake, tenant, id LIMIT 100 FOR UPDATE SKIP LOCKED)
UPDATE `+s.table()+` AS r SET wake = $1 + interval '1 minute', version = r.version + 1
FROM due WHERE r.kind = due.kind AND r.tenant = due.tenant AND r.id = due.id
RETURNING r.tenant, r.id, r.version, r.data`, time.Now().Add(s.later))
	if err != nil {
		return 0, err
	}
	var tenant, id string
	var version int64
	var data []byte
	tag, err := pgx.ForEachRow(rows, []any{&tenant, &id, &version, &data}, func() error { return nil })
	return int(tag.RowsAffected()), err
}

// changed writes new versions of records in one statement, and new records in another.
func (s *side) changed(ctx context.Context, w storage.Write) error {
	var old, fresh columns
	for _, r := range w.Put {
		if r.Version == 0 {
			fresh.add(r)
		} else {
			old.add(r)
		}
	}
	if len(old.ids) > 0 {
		tag, err := s.pool.Exec(ctx, `
UPDATE `+s.table()+` AS r SET parent = v.parent, state = v.state, wake = v.wake, data = v.data, version = r.version + 1
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[])
	AS v(kind, tenant, id, parent, state, wake, data)
WHERE r.kind = v.kind AND r.tenant = v.tenant AND r.id = v.id`, old.all()...)
		if err == nil && int(tag.RowsAffected()) != len(old.ids) {
			err = fmt.Errorf("%d of %d rows were changed: the two installations are not the same", tag.RowsAffected(), len(old.ids))
		}
		if err != nil {
			return err
		}
	}
	if len(fresh.ids) == 0 {
		return nil
	}
	_, err := s.pool.Exec(ctx, `
INSERT INTO `+s.table()+` (kind, tenant, id, parent, state, wake, data, version)
SELECT v.*, 1 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[])
	AS v(kind, tenant, id, parent, state, wake, data)`, fresh.all()...)
	return err
}

// columns are records as parameters.
type columns struct {
	kinds, tenants, ids, parents, states []string
	wakes                                []*time.Time
	data                                 [][]byte
}

func (c *columns) add(r storage.Record) {
	c.kinds, c.tenants, c.ids = append(c.kinds, r.Kind), append(c.tenants, r.Tenant), append(c.ids, r.ID)
	c.parents, c.states, c.wakes = append(c.parents, r.Parent), append(c.states, r.State), append(c.wakes, wake(r))
	c.data = append(c.data, r.Data)
}

func (c *columns) all() []any {
	return []any{c.kinds, c.tenants, c.ids, c.parents, c.states, c.wakes, c.data}
}
