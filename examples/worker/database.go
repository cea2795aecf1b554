package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/abmrenew/abmrenew/storage/postgres"
)

// connect opens the pool that the library and River share. Nothing is asked yet.
func (h *host) connect(ctx context.Context) error {
	if h.DSN == "" {
		return errors.New("there is no database: set ABMRENEW_DSN, for instance to postgres://worker@db.example.com/rmm")
	}
	config, err := pgxpool.ParseConfig(h.DSN)
	if err != nil {
		// What is quoted by the parser's error may hold the password.
		return errors.New("ABMRENEW_DSN is no connection string of PostgreSQL; it may look like postgres://worker@db.example.com/rmm")
	}
	config.MaxConns = h.Conns
	if _, named := config.ConnConfig.RuntimeParams["application_name"]; !named {
		config.ConnConfig.RuntimeParams["application_name"] = "abmrenew-worker"
	}
	if h.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	h.store, err = postgres.New(h.pool, postgres.Options{Schema: h.Schema, Now: h.present})
	return err
}

// migrate brings the library's tables and River's to this version. Processes that do so at once take turns.
func (h *host) migrate(ctx context.Context) error {
	if err := postgres.Migrate(ctx, h.pool.Config().ConnConfig, h.Schema); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(h.pool), &rivermigrate.Config{Schema: h.Schema, Logger: h.quiet()})
	if err != nil {
		return err
	}
	// River has no lock of its own for this, and its migrations do not fit in one transaction.
	conn, err := h.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	const key = "hashtextextended('abmrenew river ' || $1, 0)"
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock("+key+")", h.Schema); err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		err = fmt.Errorf("migrating River's tables: %w", err)
	}
	_, unlock := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+key+")", h.Schema)
	return errors.Join(err, unlock)
}

// check tells whether the tables are those of this version.
func (h *host) check(ctx context.Context) error {
	if err := h.store.Check(ctx); err != nil {
		if errors.Is(err, postgres.ErrLayout) {
			return fmt.Errorf("%w (worker migrate does it)", err)
		}
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(h.pool), &rivermigrate.Config{Schema: h.Schema, Logger: h.quiet()})
	if err != nil {
		return err
	}
	result, err := migrator.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("looking at River's tables: %w", err)
	}
	if !result.OK {
		return fmt.Errorf("the tables of River are not those of this version: run worker migrate (%v)", result.Messages)
	}
	return nil
}

type migrateCommand struct{}

func (*migrateCommand) do(ctx context.Context, h *host) error {
	if err := h.connect(ctx); err != nil {
		return err
	}
	if err := h.migrate(ctx); err != nil {
		return err
	}
	return h.check(ctx)
}
