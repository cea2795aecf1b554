package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
)

// Claim implements [storage.Store]. A claim of kinds leaves out, without a wait, what others are about to claim or write;
// Claimed.More may tell of such records. A claim of named records waits for them.
func (s *Store) Claim(ctx context.Context, c storage.Claim) (claimed storage.Claimed, err error) {
	if err := c.Validate(); err != nil {
		return storage.Claimed{}, err
	}
	c = named(c)
	present := s.present()
	if c.Limit == 0 || len(c.Kinds)+len(c.Keys) == 0 {
		err = s.reading(ctx, func(b *pgx.Batch) { s.look(b, c, present, &claimed) })
		return claimed, err
	}
	own := s.own()
	err = s.retry(ctx, func(conn *pgxpool.Conn) error {
		claimed = storage.Claimed{}
		var due []dueRecord
		err := send(ctx, conn, own.begin, func(b *pgx.Batch) {
			s.take(b, c, present, &due, &claimed)
			s.look(b, c, present, &claimed)
		}, own.commit)
		if err != nil {
			own.undo(ctx, conn)
			return err
		}
		slices.SortFunc(due, compareDue)
		for _, d := range due {
			claimed.Records = append(claimed.Records, d.Record)
		}
		return nil
	})
	if err != nil {
		return storage.Claimed{}, err
	}
	return claimed, nil
}

// named drops what no record can be called, and what is named twice; keys come in the order in which they are locked.
func named(c storage.Claim) storage.Claim {
	keys := slices.DeleteFunc(slices.Clone(c.Keys), func(k storage.RecordKey) bool { return !storable(k.Kind, k.Tenant, k.ID) })
	slices.SortFunc(keys, compareKeys)
	kinds := slices.DeleteFunc(slices.Clone(c.Kinds), func(k string) bool { return !storable(k) })
	if slices.Sort(kinds); len(c.Keys) > 0 {
		kinds = nil
	}
	c.Keys, c.Kinds = slices.Compact(keys), slices.Compact(kinds)
	return c
}

// dueRecord is a claimed record, and when it was due.
type dueRecord struct {
	storage.Record
	was time.Time
}

func compareDue(a, b dueRecord) int {
	return cmp.Or(a.was.Compare(b.was), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
}

func compareKeys(a, b storage.RecordKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
}

// take leases due records. Where there are some, they tell the time: it is the one from which their leases run.
func (s *Store) take(b *pgx.Batch, c storage.Claim, present *time.Time, due *[]dueRecord, claimed *storage.Claimed) {
	read := func(rows pgx.Rows) error {
		for rows.Next() {
			var d dueRecord
			var err error
			if d.Record, err = scanned(rows, &d.was, &claimed.Now); err != nil {
				return err
			}
			*due = append(*due, d)
		}
		return rows.Err()
	}
	if len(c.Keys) == 0 {
		if c.Shard.All() {
			b.Queue(s.sql.claimKinds, present, c.Lease, c.Limit, c.Kinds).Query(read)
		} else {
			b.Queue(s.sql.claimShard, present, c.Lease, c.Limit, c.Kinds, c.Shard.Index, c.Shard.Of).Query(read)
		}
		return
	}
	kinds, tenants, ids := columnsOf(c.Keys)
	b.Queue(s.sql.lockKeys, present, kinds, tenants, ids)
	b.Queue(s.sql.claimKeys, present, c.Lease, c.Limit, kinds, tenants, ids).Query(read)
}

// look tells the time, unless it is told already, and what is due next.
func (s *Store) look(b *pgx.Batch, c storage.Claim, present *time.Time, claimed *storage.Claimed) {
	var queued *pgx.QueuedQuery
	switch {
	case len(c.Keys) > 0:
		kinds, tenants, ids := columnsOf(c.Keys)
		queued = b.Queue(s.sql.nextOfKeys, present, kinds, tenants, ids)
	case len(c.Kinds) > 0:
		queued = b.Queue(s.sql.nextOfKinds, present, c.Kinds)
	default:
		queued = b.Queue(s.sql.present, present)
	}
	queued.QueryRow(func(row pgx.Row) error {
		var now time.Time
		var next *time.Time
		if err := row.Scan(&now, &next); err != nil {
			return err
		}
		if claimed.Now.IsZero() {
			claimed.Now = now
		}
		claimed.Now = storage.Instant(claimed.Now)
		switch {
		case next == nil:
		case next.After(claimed.Now):
			claimed.Next = storage.Instant(*next)
		default:
			claimed.More = true
		}
		return nil
	})
}
