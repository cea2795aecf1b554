package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

type runCommand struct {
	wiring
	Listen   string         `env:"ABMRENEW_LISTEN" default:"127.0.0.1:9480" placeholder:"HOST:PORT" help:"Where health, metrics and the MDMs' webhooks are (${default})."`
	Migrate  bool           `env:"ABMRENEW_MIGRATE" help:"Bring the tables to this version first, as worker migrate does."`
	Queues   map[string]int `env:"ABMRENEW_QUEUES" mapsep:"," default:"credentials=2,devices=4" placeholder:"NAME=N" help:"Which queues are worked here, and how many jobs of each at once (${default})."`
	Shards   int            `env:"ABMRENEW_SHARDS" default:"4" placeholder:"N" help:"Shards of tenants, the same on every machine (${default})."`
	Every    time.Duration  `env:"ABMRENEW_EVERY" default:"10s" help:"How often the leader looks what is due (${default})."`
	Batch    int            `env:"ABMRENEW_BATCH" default:"100" placeholder:"N" help:"Records that a job claims at a time (${default})."`
	Turn     time.Duration  `env:"ABMRENEW_TURN" default:"30s" help:"How long a job goes on before another one has its turn (${default})."`
	Linger   time.Duration  `env:"ABMRENEW_LINGER" default:"2s" help:"How long a job waits whether more becomes due (${default})."`
	Grace    time.Duration  `env:"ABMRENEW_GRACE" default:"20s" help:"How long what is under way may take at the end (${default})."`
	PollOnly bool           `env:"ABMRENEW_POLL_ONLY" help:"Ask for jobs instead of listening, as behind a pooler in transaction mode."`
}

func (c *runCommand) valid() error {
	switch {
	case c.Shards < 1 || c.Shards > 256:
		return errors.New("--shards has to be from 1 to 256")
	case c.Batch < 1 || c.Batch > 1000:
		return errors.New("--batch has to be from 1 to 1000")
	case c.Every < time.Second || c.Turn < time.Second || c.Lease < time.Second:
		return errors.New("--every, --turn and --lease have to be a second at least")
	case c.Linger < 0 || c.Grace <= 0 || c.Parallel < 1 || c.Parallel > 100:
		return errors.New("--linger may not be negative, --grace has to be more than nothing, --parallel from 1 to 100")
	}
	return validQueues(c.Queues)
}

func (c *runCommand) do(ctx context.Context, h *host) error {
	if err := c.valid(); err != nil {
		return err
	}
	if err := h.connect(ctx); err != nil {
		return err
	}
	if c.Migrate {
		if err := h.migrate(ctx); err != nil {
			return err
		}
	}
	if err := h.unseal(ctx); err != nil {
		return err
	}
	if err := h.plug(c.wiring); err != nil {
		return err
	}
	return c.serve(ctx, h)
}

// serve works until the context ends. Then it takes no more jobs, lets those under way come to the end of what they are at,
// cancels those that do not within the grace, and gives back what is claimed and not begun.
func (c *runCommand) serve(ctx context.Context, h *host) error {
	m := newMeter(h)
	stopping := make(chan struct{})
	client, err := c.client(h, m, stopping)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	addHealth(mux, h, stopping)
	mux.Handle("GET /metrics", m.handler())
	if err := h.mdms.addHooks(mux, h); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if err := client.Start(working); err != nil {
		return fmt.Errorf("starting River: %w", err)
	}
	go h.clock.keep(working, c.Every)
	h.log.InfoContext(ctx, "working", "listen", listener.Addr().String(), "client", client.ID())
	if _, err := client.Insert(ctx, sweepArgs{}, sweepOnce(c.Every)); err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "the first sweep waits for the leader", "error", err)
	}
	select {
	case <-ctx.Done():
	case err = <-served:
		h.log.ErrorContext(ctx, "the listener has ended, so this process does", "error", err)
	}
	close(stopping)
	h.log.InfoContext(working, "stopping: what is under way comes to its end")
	late, enough := context.WithTimeout(working, c.Grace+10*time.Second)
	defer enough()
	if stop := client.Stop(late); stop != nil {
		return fmt.Errorf("not everything came to its end in time; it is due again after its lease: %w", stop)
	}
	return err
}

// client is River's: jobs, leader and all. Done jobs are kept for an hour, because there are many.
func (c *runCommand) client(h *host, m *meter, stopping <-chan struct{}) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &sweeper{store: h.store, shards: c.Shards, turn: c.Turn, swept: m.sweeps.Inc})
	river.AddWorker(workers, &dueWorker{
		run: h.runner.RunDue, ran: m.ran, limit: c.Batch, turn: c.Turn, linger: c.Linger, lease: c.Lease, stopping: stopping,
	})
	queues := map[string]river.QueueConfig{queueSweeps: {MaxWorkers: 1}}
	for name, n := range c.Queues {
		queues[name] = river.QueueConfig{MaxWorkers: n}
	}
	longest := c.Turn + c.Lease + time.Minute
	return river.NewClient(riverpgxv5.New(h.pool), &river.Config{
		Schema: h.Schema, Workers: workers, Queues: queues, PollOnly: c.PollOnly, Logger: h.quiet(),
		JobTimeout: longest, RescueStuckJobsAfter: 2 * longest, SoftStopTimeout: c.Grace,
		CompletedJobRetentionPeriod: time.Hour, DiscardedJobRetentionPeriod: 24 * time.Hour,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(c.Every), func() (river.JobArgs, *river.InsertOpts) {
			return sweepArgs{}, sweepOnce(c.Every)
		}, &river.PeriodicJobOpts{RunOnStart: true})},
	})
}
