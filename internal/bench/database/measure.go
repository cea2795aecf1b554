package database

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Scale is how much is measured.
type Scale struct {
	// Steps and Creation are the installations on which moves are stepped and plans are made; each is made twice.
	Steps, Creation installation.Size
	// Sizes are the installations on which due records are claimed, from the smallest to the largest, by their schemas.
	Sizes []Named
	// Times is how often each thing is done at least; Listed is how many devices a plan gets through the runner.
	Times, Listed int
}

// Named is an installation that stays, so that a large one is made once.
type Named struct {
	Schema string
	Size   installation.Size
}

// Whole is the scale of the figures in the README: the largest installation has ten million records, and takes half an hour to
// make and 12 GB.
var Whole = Scale{
	Steps:    installation.Size{Tenants: 150, Servers: 300, Devices: 40_000, Seed: 11},
	Creation: installation.Size{Tenants: 2, Servers: 10, Devices: 20_000, Seed: 12},
	Sizes: []Named{
		{"rows_100k", installation.Size{Servers: 2000, Devices: 24_000, Seed: 1}},
		{"rows_1m", installation.Size{Servers: 10_000, Devices: 260_000, Seed: 1}},
		{"rows_10m", installation.Size{Servers: 100_000, Devices: 2_600_000, Seed: 1}},
	},
	Times: 16, Listed: 2000,
}

// Small is one in which everything is done once or twice.
var Small = Scale{
	Steps:    installation.Size{Tenants: 8, Servers: 16, Devices: 1600, Seed: 11},
	Creation: installation.Size{Tenants: 1, Servers: 2, Devices: 100, Seed: 12},
	Sizes: []Named{
		{"rows_few", installation.Size{Servers: 250, Devices: 500, Seed: 1}},
		{"rows_more", installation.Size{Servers: 500, Devices: 1000, Seed: 1}},
	},
	Times: 2, Listed: 50,
}

// Measure measures everything. Installations of which the database has a part are completed; those for steps and plans are
// made anew. Tell hears what is done now.
func Measure(ctx context.Context, pool *pgxpool.Pool, keys *seal.Keyring, scale Scale, tell func(string)) ([]Figure, error) {
	g := &rig{pool: pool, keys: keys}
	var all []Figure
	tell("moves")
	for _, schema := range []string{"steps_0", "steps_1", "creation_0", "creation_1"} {
		if _, err := pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			return nil, err
		}
	}
	figures, err := g.steps(ctx, scale.Steps, 4*scale.Times)
	if err != nil {
		return nil, fmt.Errorf("moves: %w", err)
	}
	all = append(all, figures...)
	tell("plans")
	if figures, err = g.creation(ctx, scale.Creation, max(scale.Times/2, 1), scale.Listed); err != nil {
		return nil, fmt.Errorf("plans: %w", err)
	}
	all = append(all, figures...)
	var sides []*side
	for _, named := range scale.Sizes {
		tell("the installation " + strings.ReplaceAll(named.Schema, "_", " "))
		s, err := g.open(ctx, named.Schema)
		if err != nil {
			return nil, err
		}
		if err := s.fill(ctx, named.Size); err != nil {
			return nil, err
		}
		sides = append(sides, s)
	}
	tell("what is due")
	if figures, err = g.due(ctx, sides, 8*scale.Times); err != nil {
		return nil, fmt.Errorf("due records: %w", err)
	}
	all = append(all, figures...)
	tell("the daily watch")
	watch, err := g.watch(ctx, sides[len(sides)-1], sides[0], scale.Times)
	if err != nil {
		return nil, fmt.Errorf("the daily watch: %w", err)
	}
	memory, err := g.memory(ctx, sides[len(sides)-1], scale.Times)
	if err != nil {
		return nil, fmt.Errorf("a worker's memory: %w", err)
	}
	return append(all, memory, watch), nil
}

// Server tells on what is measured.
func Server(ctx context.Context, pool *pgxpool.Pool) (origin string, err error) {
	var version, memory, fsync string
	err = pool.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('shared_buffers'), current_setting('fsync')").
		Scan(&version, &memory, &fsync)
	return fmt.Sprintf("PostgreSQL %s, shared_buffers %s, fsync %s", version, memory, fsync), err
}
