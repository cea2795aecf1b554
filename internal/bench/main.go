// Command bench measures the library against its peers and against the bare standard library, and prints one table of
// figures: what ours takes, what the other takes, the ratio of the two, the goal, and whether it is met.
//
//	go run ./internal/bench            prints the table
//	go run ./internal/bench -update    writes what has a goal into README.md as well
//
// # How to read it
//
// Ratios hold on other machines, times do not. The two sides of a ratio are measured in turn, a millisecond or so each, for
// hundreds of rounds, so that whatever else the machine does strikes both. It can only make a round slower: so times, and
// the ratio by which a goal is judged, are those of the fastest rounds. In brackets stands the median of the rounds'
// ratios; where the two differ much, the machine was busy and another run says more. A goal that is missed is said loudly
// and is no error: a benchmark is no test, and a busy machine no defect.
//
// What is measured: opening a token file against the one RSA operation that it cannot do without, and against
// github.com/micromdm/nanodep/tokenpki, which reads the same files; finding the right key among twenty; the steps of the
// state machines; claiming due records in a small store file and in a large one; and an upload through the runner, with a
// store file, sealing and the fake Apple, by parts. Each file of this package says what exactly both sides do.
//
// The same things run as ordinary benchmarks: go test -bench .
//
// It is a module of its own, so that no importer of the library ever sees a peer among its dependencies.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	update := flag.Bool("update", false, "write the figures that have a goal into README.md of this folder")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *update); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, update bool) error {
	dir, err := os.MkdirTemp("", "abmrenew-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := meter{clock: sinceStart(), slice: 500 * time.Microsecond, rounds: 4000, budget: 4 * time.Second}
	r, err := measureAll(ctx, dir, machine(time.Now()), m, realSizes)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, r.full()); err != nil || !update {
		return err
	}
	return updateFile("README.md", r.brief())
}

// sinceStart is a clock that only goes forward.
func sinceStart() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
