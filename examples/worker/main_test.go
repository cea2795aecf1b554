package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// childEnv makes this program a worker: the path of a clock, how far the machine's own clock is off, and the arguments, a
// line each.
const childEnv = "ABMRENEW_TEST_WORKER"

func TestMain(m *testing.M) {
	if order, is := os.LookupEnv(childEnv); is {
		os.Exit(child(strings.Split(order, "\n")))
	}
	status := m.Run()
	pgserver.Finish()
	os.Exit(status)
}

func child(order []string) int {
	shown, err := openClock(order[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	off, err := time.ParseDuration(order[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return execute(ctx, order[2:], process{
		out: os.Stdout, err: os.Stderr, present: shown.Now, now: func() time.Time { return shown.Now().Add(off) },
	})
}
