// Command migrate moves the devices of a lost server.
//
//	go run ./examples/migrate                     500 devices, in less than a minute
//	go run ./examples/migrate --devices 100 --seed 7
//	go run ./examples/migrate --keep DIR          leaves the store file in DIR, to be looked at
//
// Acme's MDM is given up: its vendor ends it in a month. 500 devices enrolled there have to come to a new one. Some can change
// without an erase, because Apple says so; most cannot, and have to be wiped through the old MDM while that still reaches
// them; some nobody may wipe without a look at them; and some are not found at all.
//
// The story is the one of such a day. The rules allow no wipe until a second person has agreed. A dry run says what would
// become of each device. Two persons other than the author approve the plan as they saw it; it cools down for an hour. The
// first device that is wiped, the canary, refuses, and the plan pauses by itself. The program dies with a wipe on its lips,
// comes back, and asks what became of it in place of sending it again. A device that does not come by is replaced by another.
// An alarm throws the kill switch: what has left is withdrawn, and two persons lift it. Two weeks later every device has moved, or
// waits for hands. Some of that work is done, and who comes late is taken note of. After a month those come back that were away,
// and a second plan, approved anew, moves them. In the end a table shows how the devices moved, and a list what is left for hands,
// with what to do next.
//
// Nothing here needs a network or an account: Apple, the MDMs and the devices are the fakes of enrollment/appletest, and days
// pass in milliseconds. All between is the library as a host runs it. What to copy is in host.go (how it is put together) and
// in the acts (what people ask of it); stage.go, cast.go, witness.go and check.go are the theatre around it.
//
// In the end the fakes are asked whether a rule was broken: no device erased twice, or before Apple had confirmed its new
// service and its profile; none outside of the plan; every device that could be reached is managed by the new MDM. If so, the
// exit status is 1. It is 2 for wrong usage, and 130 where ctrl-C ended it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr, isTerminal(os.Stdout))
	stop()
	os.Exit(status)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// fewest devices for a story in which everything happens.
const fewest, most = 60, 20_000

// run is the program as a function, and returns its exit status.
func run(ctx context.Context, args []string, out, errs io.Writer, terminal bool) int {
	s := &story{w: out, terminal: terminal}
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.IntVar(&s.devices, "devices", 500, fmt.Sprintf("how many devices there are, from %d to %d", fewest, most))
	flags.Uint64Var(&s.seed, "seed", 1, "another number makes other devices")
	flags.StringVar(&s.keep, "keep", "", "keep the store file in `DIR`")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if s.devices < fewest || s.devices > most || flags.NArg() > 0 {
		fmt.Fprintf(errs, "migrate: --devices goes from %d to %d, and nothing follows the flags\n", fewest, most)
		return 2
	}
	return s.run(ctx, errs)
}

// run tells the story, and returns the exit status.
func (s *story) run(ctx context.Context, errs io.Writer) int {
	err := s.tell(ctx)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "migrate: stopped")
		return 130
	case err != nil:
		fmt.Fprintln(errs, "migrate:", err)
		return 1
	}
	return 0
}
