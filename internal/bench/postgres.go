package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/internal/bench/database"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Where the figures of PostgreSQL are kept and shown, below the root of the repository.
const (
	keptFile  = "internal/bench/database/measured.json"
	plotFile  = "internal/bench/database/measured.svg"
	guideFile = "examples/worker/README.md"
)

// measurePostgres measures the library on PostgreSQL and shows or keeps what came out.
func measurePostgres(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("postgres", flag.ContinueOnError)
	flags.SetOutput(out)
	dsn := flags.String("dsn", "", "measure in this database, and leave the large installations there; empty: on a server of its own, which goes afterwards")
	keyring := flags.String("keyring", "", "the master keys of the installations in the database, made if they are not there")
	update := flags.Bool("update", false, "keep what was measured, and show it in "+guideFile)
	small := flags.Bool("small", false, "measure in small, to see that it works")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if (*dsn == "") != (*keyring == "") || *small && *update {
		return errors.New("postgres needs -dsn and -keyring or neither, and what is measured in small is not kept")
	}
	keys := seal.MemoryKeyring()
	if *dsn == "" {
		server, err := pgserver.Make()
		if err != nil {
			return err
		}
		defer server.Remove()
		if err := server.Start(append(pgserver.Quick, "wal_level=minimal", "max_wal_senders=0", "shared_buffers=4GB")...); err != nil {
			return err
		}
		*dsn = server.DSN()
	} else {
		var err error
		if keys, err = seal.OpenKeyring(*keyring, true); err != nil {
			return err
		}
	}
	pool, err := pgxpool.New(ctx, *dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	scale := database.Whole
	if *small {
		scale = database.Small
	}
	m := database.Measured{}
	if m.Origin, err = database.Server(ctx, pool); err != nil {
		return err
	}
	m.Origin = machine(time.Now()) + ", " + m.Origin
	m.Figures, err = database.Measure(ctx, pool, keys, scale, func(what string) {
		_, _ = fmt.Fprintf(out, "%s measuring %s\n", time.Now().Format(time.TimeOnly), what)
	})
	if err != nil {
		return err
	}
	m = m.Rounded()
	if _, err := io.WriteString(out, m.Table()); err != nil || !*update {
		return err
	}
	if err := os.WriteFile(keptFile, m.JSON(), 0o600); err != nil {
		return fmt.Errorf("run this in the root of the repository: %w", err)
	}
	return show(m)
}

// show draws the plot and writes the table into the worker's guide.
func show(m database.Measured) error {
	if err := os.WriteFile(plotFile, m.Plot(), 0o600); err != nil {
		return fmt.Errorf("run this in the root of the repository: %w", err)
	}
	return updateFile(guideFile, "postgres", m.Table()+"\n"+m.Origin+".\n")
}
