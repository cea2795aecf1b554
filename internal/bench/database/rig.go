package database

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// rig is a database with installations, each in a schema of its own.
type rig struct {
	pool  *pgxpool.Pool
	keys  *seal.Keyring
	later time.Duration // by which the clock of the stores is ahead, so that something is due
}

// side is one installation with a runner.
type side struct {
	*rig
	schema string
	size   installation.Size
	store  *recorder
	sealer storage.Sealer
	runner *runner.Runner
}

// recorder keeps what was written since somebody looked.
type recorder struct {
	storage.Store
	written storage.Write
}

func (r *recorder) Commit(ctx context.Context, w storage.Write) error {
	err := r.Store.Commit(ctx, w)
	if err == nil {
		r.written.Put = append(r.written.Put, w.Put...)
	}
	return err
}

// taken is what became of the records that were written, each as it was written last.
func (r *recorder) taken() storage.Write {
	var w storage.Write
	at := map[storage.RecordKey]int{}
	for _, rec := range r.written.Put {
		if i, again := at[rec.RecordKey]; again {
			rec.Version = w.Put[i].Version // new, if it was new
			w.Put[i] = rec
			continue
		}
		at[rec.RecordKey] = len(w.Put)
		w.Put = append(w.Put, rec)
	}
	r.written = storage.Write{}
	return w
}

// open opens the installation in a schema, which may be empty.
func (g *rig) open(ctx context.Context, schema string) (*side, error) {
	if err := postgres.Migrate(ctx, g.pool.Config().ConnConfig, schema); err != nil {
		return nil, err
	}
	store, err := postgres.New(g.pool, postgres.Options{Schema: schema, Now: func() time.Time { return time.Now().Add(g.later) }})
	if err != nil {
		return nil, err
	}
	s := &side{rig: g, schema: schema, store: &recorder{Store: store}}
	if s.sealer, err = seal.New(store, g.keys, seal.Options{Tenants: 100_000}); err != nil {
		return nil, err
	}
	s.runner, err = runner.New(installation.Apple{}.Plug(runner.Config{Store: s.store, Sealer: s.sealer}))
	return s, err
}

// fill makes the installation, or what is missing of it. A comment on the table tells that nothing is.
func (s *side) fill(ctx context.Context, size installation.Size) error {
	s.size = size
	var said *string
	err := s.pool.QueryRow(ctx, "SELECT obj_description($1::regclass)", s.table()).Scan(&said)
	if err != nil || said != nil && *said == "whole" {
		return err
	}
	if err := installation.Generate(ctx, s.store.Store, s.sealer, size, 2, nil); err != nil {
		return err
	}
	for _, text := range []string{"VACUUM ANALYZE " + s.table(), "COMMENT ON TABLE " + s.table() + " IS 'whole'"} {
		if _, err := s.pool.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// twins makes two installations of one size.
func (g *rig) twins(ctx context.Context, name string, size installation.Size) (ours, other *side, err error) {
	var both [2]*side
	for i := range both {
		if both[i], err = g.open(ctx, fmt.Sprint(name, "_", i)); err != nil {
			return nil, nil, err
		}
		if err := both[i].fill(ctx, size); err != nil {
			return nil, nil, err
		}
	}
	return both[0], both[1], nil
}

// untilAllIsDue sets the clock ahead until every token of these installations is due for its daily look.
func (g *rig) untilAllIsDue(ctx context.Context, sides ...*side) error {
	g.later = 0
	for _, s := range sides {
		var last time.Time
		if err := g.pool.QueryRow(ctx, "SELECT max(wake) FROM "+s.table()+" WHERE kind = 'server'").Scan(&last); err != nil {
			return err
		}
		g.later = max(g.later, time.Until(last)+time.Minute)
	}
	return nil
}

func (s *side) table() string { return pgx.Identifier{s.schema, "records"}.Sanitize() }

// timed is how many seconds something takes.
func timed(do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return time.Since(began).Seconds(), err
}
