package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// sweepArgs is the job that looks what is due. The leader inserts it every few seconds; a host that wants an outcome at
// once, after a click for instance, inserts one too.
type sweepArgs struct{}

// Kind implements [river.JobArgs].
func (sweepArgs) Kind() string { return "abmrenew_sweep" }

// alone keeps a job from piling up: there is one like it in a period, unless it is done. The period is there because a
// process that was killed leaves its job running, as it seems, which would block the next one for as long as it takes River
// to give it up.
func alone(period time.Duration) river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByPeriod: period, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}
}

// sweepOnce are the options of a sweep. One attempt: the next sweep is the retry.
func sweepOnce(every time.Duration) *river.InsertOpts {
	return &river.InsertOpts{Queue: queueSweeps, MaxAttempts: 1, UniqueOpts: alone(max(every, time.Second))}
}

// sweeper finds the kinds of records that are due and inserts jobs for them.
type sweeper struct {
	river.WorkerDefaults[sweepArgs]
	store  storage.Store
	shards int
	turn   time.Duration
	swept  func()
}

// Work implements [river.Worker].
func (s *sweeper) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	var jobs []river.InsertManyParams
	for _, kind := range runner.Kinds() {
		claimed, err := s.store.Claim(ctx, storage.Claim{Kinds: []string{kind}})
		if err != nil {
			return fmt.Errorf("looking what is due: %w", err)
		}
		if !claimed.More {
			continue
		}
		for shard := range s.shards {
			jobs = append(jobs, river.InsertManyParams{Args: dueArgs{Records: kind, Shard: shard, Of: s.shards}, InsertOpts: dueOnce(kind, s.turn)})
		}
	}
	if len(jobs) > 0 {
		if _, err := river.ClientFromContext[pgx.Tx](ctx).InsertMany(ctx, jobs); err != nil {
			return fmt.Errorf("inserting jobs: %w", err)
		}
	}
	s.swept()
	return nil
}
