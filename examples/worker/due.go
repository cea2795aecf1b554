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
	over := time.NewTimer(w.turn)
	defer over.Stop()
	for last := time.Now(); ; {
		began := time.Now()
		ran, err := w.run(ctx, runner.Due{
			Kinds: []string{job.Args.Records}, Limit: w.limit, Shard: storage.Shard{Index: job.Args.Shard, Of: job.Args.Of},
		})
		w.ran(job.Args.Records, ran, time.Since(began))
		switch {
		case ctx.Err() != nil:
			return river.JobSnooze(0)
		case err != nil:
			return err
		case ran.Claimed > 0:
			last = time.Now()
		}
		// Where nothing was claimed, more is of other shards; where all failed, the next would, too.
		again := ran.More && ran.Claimed > ran.Failed
		pause := time.Duration(0)
		if !again {
			if pause = w.linger / 10; time.Since(last) >= w.linger {
				return nil
			}
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
			select {
			case <-w.stopping:
				return river.JobSnooze(0)
			case <-over.C:
				if again {
					return river.JobSnooze(0)
				}
				return nil
			default:
			}
		case <-w.stopping:
			next.Stop()
			return river.JobSnooze(0)
		case <-ctx.Done():
			next.Stop()
			return river.JobSnooze(0)
		}
	}
}
