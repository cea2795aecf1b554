// Command bench measures the library against its peers and against the bare standard library, and prints one table of
// figures: what ours takes, what the other takes, the ratio of the two, the goal, and whether it is met.
//
//	go run ./internal/bench            prints the table
//	go run ./internal/bench -update    writes what has a goal into README.md as well, and what was measured last on PostgreSQL into the worker's guide
//	go run ./internal/bench postgres   measures on PostgreSQL, beside SQL by hand; takes an hour and 15 GB; -h tells more
//	go run ./internal/bench -migration prints what moving 10,000 and 100,000 devices takes, in minutes
//	go run ./internal/bench generate   makes a large installation; -h tells how
//
// # How to read it
//
// Ratios hold on other machines, times do not. The two sides of a ratio are measured in turn, a millisecond or so each, for
// hundreds of rounds, so that whatever else the machine does strikes both. It can only make a round slower: so times, and
// the ratio by which a goal is judged, are those of the fastest rounds. In brackets stands the median of the rounds'
// ratios; where the two differ much, the machine was busy and another run says more. A goal that is missed is said loudly
// and is no error: a benchmark is no test, and a busy machine no defect.
//
// # What is measured
//
// Opening a token file in the shape of Apple's portal, beside the one RSA operation that it cannot do without, and beside
// github.com/micromdm/nanodep/tokenpki. All have the same file in memory, with its key and certificate parsed. Ours ends
// with a token whose every field was checked; nanodep's DecryptTokenJSON ends with the text of the JSON, not parsed.
//
// Inspecting a stored push certificate, every check of it, as the daily watch does with very many, beside the standard
// library's parsing, which it cannot do without.
//
// Finding the right key among twenty; the steps of the state machines, as the mean of a whole life; claiming due records,
// spread all over a small store file and over a large one, each claim made durable.
//
// An upload through the runner, with a store file, sealing and the fake Apple, by parts that add up to the whole: the mean
// of the faster half of a hundred. How long a commit takes is up to the disk.
//
// With -migration: a plan that moves devices, listed from a stream and driven to its end in a store file, in a time that passes as
// fast as the work is done, with everybody outside answering at once; beside it the same bytes under the same keys, written by
// bare bbolt in as many transactions. And the most that was on the heap meanwhile, garbage included: it is not to grow with the
// number of devices.
//
// The same things run as ordinary benchmarks: go test -bench .
//
// It is a module of its own, so that no importer of the library ever sees a peer among its dependencies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/abmrenew/abmrenew/internal/bench/database"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // what was deferred is the end of a signal's handling
	}
}

// command does what the arguments say.
func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "generate":
			return generate(ctx, out, args[1:])
		case "postgres":
			return measurePostgres(ctx, out, args[1:])
		}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	update := flags.Bool("update", false, "write the figures that have a goal into README.md of this folder")
	moving := flags.Bool("migration", false, "measure plans that move 10,000 and 100,000 devices instead")
	flags.SetOutput(out)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *moving {
		return within("", func(dir string) error {
			return reportMigration(ctx, out, dir, machine(time.Now()), sinceStart(), 10_000, 100_000)
		})
	}
	return run(ctx, out, *update)
}

func run(ctx context.Context, out io.Writer, update bool) error {
	dir, err := os.MkdirTemp("", "abmrenew-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := meter{clock: sinceStart(), slice: 500 * time.Microsecond, rounds: 4000, budget: 6 * time.Second}
	r, err := measureAll(ctx, dir, machine(time.Now())+", "+peerVersion(), m, realSizes)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, r.full()); err != nil || !update {
		return err
	}
	if err := updateFile("README.md", "", r.brief()); err != nil {
		return err
	}
	kept, err := database.Kept()
	if err != nil {
		return err
	}
	return show(kept)
}

// sinceStart is a clock that only goes forward.
func sinceStart() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
