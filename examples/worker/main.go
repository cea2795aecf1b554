// Command worker does what is due on many machines: any number of these processes share one PostgreSQL database, where the
// library keeps its records and River (github.com/riverqueue/river) its jobs.
//
//	worker keys create                       once: the master keys, which every machine gets
//	worker migrate                           once, and with each new version: the tables
//	worker run --queues credentials=2,devices=4
//
// A sweep runs every few seconds on one of the machines and looks which kinds of records are due. For each it inserts jobs,
// which any machine works: they claim records by shard of tenants and call the runner. Nothing hangs on a job: one that is
// lost, or done twice, costs time only, because what is owed stands in the records themselves.
//
// The guide README.md beside this file tells of sizes, backups, keys, upgrades, alerts and troubles.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := execute(ctx, os.Args[1:], process{out: os.Stdout, err: os.Stderr, now: time.Now})
	stop()
	os.Exit(status)
}
