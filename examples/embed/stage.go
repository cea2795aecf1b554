package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// stage is a world around the RMM, for the story and for tests: the fake Apple, devices at two MDM clusters, people, and a
// database of which two schemas are ours.
type stage struct {
	clock *appletest.Calendar // of everything on it: Apple, devices, and the RMM
	apple *appletest.Apple
	world *fleet.World
	old   *fleet.MDM // the two clusters of the RMM, as devices see them
	next  *fleet.MDM

	dsn       string
	schema    string
	secret    []byte
	masterKey string
	log       io.Writer
	first     *process
	processes []*process
	kept      func(rmm.Token) // hears of each row of the table of tokens; nil: nobody minds
}

// process is one process of the RMM.
type process struct {
	app    *rmm.App
	runner *runner.Runner
	pool   *pgxpool.Pool
}

const mdmKey = "between-the-clusters-and-us"

// newStage builds it, in two new schemas.
func newStage(ctx context.Context, dsn string, log io.Writer) (*stage, error) {
	id := make([]byte, 40)
	_, _ = rand.Read(id)
	s := &stage{
		clock: appletest.NewCalendar(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)), dsn: dsn, schema: "rmm_" + hex.EncodeToString(id[:8]),
		secret: id[8:40], log: log,
	}
	master := make([]byte, 32)
	_, _ = rand.Read(master)
	s.masterKey = base64.StdEncoding.EncodeToString(master)
	s.apple = appletest.New(appletest.Options{Now: s.clock.Now})
	s.world = fleet.New(fleet.Options{Now: s.clock.Now, Wait: s.clock.Pass})
	s.old, s.next = s.world.AddMDM("acme", "mdm-1"), s.world.AddMDM("acme", "mdm-2")
	if err := s.createSchemas(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.first, err = s.start(ctx); err != nil {
		s.end(ctx)
		return nil, err
	}
	return s, nil
}

func (s *stage) createSchemas(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE SCHEMA "+s.schema); err != nil {
		return err
	}
	return postgres.Migrate(ctx, conn.Config(), s.schema+"_apple")
}

// start starts a process of the RMM, with a pool of its own.
func (s *stage) start(ctx context.Context) (*process, error) {
	config, err := pgxpool.ParseConfig(s.dsn)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["search_path"] = s.schema
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &process{pool: pool}
	s.processes = append(s.processes, p)
	p.app, err = rmm.New(rmm.Options{
		Pool: pool, Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: s.clock.Now, Secret: s.secret, MDMKey: mdmKey, PasswordRounds: 1000, Unlock: s.unlock,
	})
	if err != nil {
		return nil, err
	}
	if err := p.app.Migrate(ctx); err != nil {
		return nil, err
	}
	p.runner, err = wire(p.app, settings{
		schema: s.schema + "_apple", masterKeys: s.masterKey, apple: s.apple.Transport(), now: s.clock.Now,
		push: apnshttp.Options{Dial: s.apple.Push().Dial, RootCAs: s.apple.Push().Roots(), Now: s.clock.Now},
	})
	return p, err
}

// unlock is Apple, which takes a bypass code.
func (s *stage) unlock(ctx context.Context, serial, _ string) error {
	return s.world.Ports().ClearActivationLock(ctx, "acme", enrollment.Device{Serial: serial})
}

// end takes everything away.
func (s *stage) end(ctx context.Context) {
	for _, p := range s.processes {
		p.pool.Close()
	}
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return // the server is gone, and with it all
	}
	defer func() { _ = conn.Close(ctx) }()
	_, _ = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+s.schema+", "+s.schema+"_apple CASCADE")
}
