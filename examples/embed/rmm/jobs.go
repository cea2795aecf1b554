package rmm

import (
	"context"
	"sync"
	"time"
)

// job is something that is done from time to time, in every process.
type job struct {
	name  string
	every time.Duration
	do    func(context.Context) error
	next  time.Time
}

// Every adds a job.
func (a *App) Every(name string, every time.Duration, do func(context.Context) error) {
	a.jobs = append(a.jobs, &job{name: name, every: every, do: do})
}

// RunJobs does what is due, one job beside the other. A job that fails is told to the log, and comes again in its time.
func (a *App) RunJobs(ctx context.Context) {
	var due sync.WaitGroup
	for _, j := range a.jobs {
		now := a.Now()
		if now.Before(j.next) {
			continue
		}
		j.next = now.Add(j.every)
		due.Go(func() {
			if err := j.do(ctx); err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "a job failed", "job", j.name, "error", err)
			}
		})
	}
	due.Wait()
}

// Cron runs jobs until the context ends.
func (a *App) Cron(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		a.RunJobs(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
