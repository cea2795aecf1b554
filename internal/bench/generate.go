package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// wanted is an installation that somebody asks for, and where.
type wanted struct {
	dsn, schema, file, keyring string
	size                       installation.Size
}

// generate makes a large installation, and tells how fast.
func generate(ctx context.Context, out io.Writer, args []string) error {
	w := wanted{}
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&w.dsn, "dsn", "", "make it in this PostgreSQL database")
	flags.StringVar(&w.schema, "schema", postgres.DefaultSchema, "in this schema of the database, which is made")
	flags.StringVar(&w.file, "bolt", "", "or make it in this file")
	flags.StringVar(&w.keyring, "keyring", "", "seal it with the master keys of this file, which is made; nobody opens the installation without it")
	flags.IntVar(&w.size.Servers, "servers", 100_000, "how many server tokens")
	flags.IntVar(&w.size.Devices, "devices", 10_000_000, "how many devices, in whole plans of 100")
	flags.IntVar(&w.size.Tenants, "tenants", 0, "how many tenants; 0: one for every ten servers")
	flags.Uint64Var(&w.size.Seed, "seed", 1, "the same seed and size make the same installation; a second call makes what is missing")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if (w.dsn == "") == (w.file == "") || w.keyring == "" {
		return errors.New("generate needs -keyring, and -dsn or -bolt")
	}
	store, shut, err := w.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(w.fill(ctx, out, store), shut())
}

// open opens the store, and makes it if it is not there.
func (w wanted) open(ctx context.Context) (storage.Store, func() error, error) {
	if w.file != "" {
		file, err := bolt.Open(w.file, bolt.Options{})
		if err != nil {
			return nil, nil, err
		}
		return file, file.Close, nil
	}
	config, err := pgxpool.ParseConfig(w.dsn)
	if err != nil {
		return nil, nil, err
	}
	if err := postgres.Migrate(ctx, config.ConnConfig, w.schema); err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	store, err := postgres.New(pool, postgres.Options{Schema: w.schema})
	return store, func() error { pool.Close(); return nil }, err
}

func (w wanted) fill(ctx context.Context, out io.Writer, store storage.Store) error {
	keys, err := seal.OpenKeyring(w.keyring, true)
	if err != nil {
		return err
	}
	sealer, err := seal.New(store, keys, seal.Options{Tenants: 100_000})
	if err != nil {
		return err
	}
	began, told := time.Now(), time.Now()
	var last installation.Progress
	err = installation.Generate(ctx, store, sealer, w.size, runtime.GOMAXPROCS(0), func(p installation.Progress) {
		if last = p; time.Since(told) >= 10*time.Second {
			told = time.Now()
			_, _ = fmt.Fprintln(out, rates(p, time.Since(began)))
		}
	})
	_, _ = fmt.Fprintln(out, rates(last, time.Since(began)))
	return err
}

// rates tells how far it is, and how fast it has been so far.
func rates(p installation.Progress, in time.Duration) string {
	s := max(in.Seconds(), 1e-3)
	return fmt.Sprintf("%6.0f s: %d of %d servers, %d of %d devices; %.0f devices and %.0f of their records a second",
		s, p.Servers, p.Of.Servers, p.Devices, p.Of.Devices, float64(p.Devices)/s, float64(p.Records)/s)
}
