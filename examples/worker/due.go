package main

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// dueArgs is the job that works on due records of one kind, of one shard of tenants.
type dueArgs struct {
	Records string `json:"records"`
	Shard   int    `json:"shard"`
	Of      int    `json:"of"`
}

// Kind implements [river.JobArgs].
func (dueArgs) Kind() string { return "abmrenew_due" }

func dueOnce(kind string, turn time.Duration) *river.InsertOpts {
	return &river.InsertOpts{Queue: queueOf(kind), MaxAttempts: 1, UniqueOpts: alone(max(turn, time.Second))}
}

// dueWorker calls the runner as long as something is due, and then a little longer, because one thing done makes the next
// one due.
type dueWorker struct {
	river.WorkerDefaults[dueArgs]
	run      func(ctx context.Context, d runner.Due) (runner.Ran, error)
	ran      func(kind string, ran runner.Ran, took time.Duration)
	limit    int
	turn     time.Duration // how long a job goes on at most before others have their turn
	linger   time.Duration // how long it waits for more
	lease    time.Duration
	stopping <-chan struct{}
}

// Timeout implements [river.Worker]: a call of the runner takes no longer than a lease.
func (w *dueWorker) Timeout(*river.Job[dueArgs]) time.Duration {
	return w.turn + w.lease + 10*time.Second
}

// Work implements [river.Worker]. A job whose turn is over, and one whose process stops, goes back to the end of its queue.
func (w *dueWorker) Work(ctx context.Context, job *river.Job[dueArgs]) error {
	due := runner.Due{
		Kinds: []string{job.Args.Records}, Limit: w.limit, Shard: storage.Shard{Index: job.Args.Shard, Of: job.Args.Of},
	}
	began := time.Now()
	for busy := began; ; {
		called := time.Now()
		ran, err := w.run(ctx, due)
		w.ran(job.Args.Records, ran, time.Since(called))
		if ctx.Err() != nil {
			return river.JobSnooze(0)
		}
		if err != nil {
			return err
		}
		if ran.Claimed > 0 {
			busy = time.Now()
		}
		// Where nothing was claimed, more is of other shards; where all failed, the next would, too.
		again := ran.More && ran.Claimed > ran.Failed
		over := time.Since(began) >= w.turn
		switch {
		case again && over:
			return river.JobSnooze(0)
		case !again && (over || time.Since(busy) >= w.linger):
			return nil
		}
		pause := w.linger / 10
		if again {
			pause = 0
		}
		if !w.wait(ctx, pause) {
			return river.JobSnooze(0)
		}
	}
}

// wait returns false if the process stops, or the job is cancelled.
func (w *dueWorker) wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-w.stopping:
		return false
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stopping:
	case <-ctx.Done():
	}
	return false
}
