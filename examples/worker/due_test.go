package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// worked is what became of a job over a runner that answers from a script; its last answer is given for ever.
func worked(t *testing.T, ctx context.Context, w dueWorker, script ...runner.Ran) (calls []runner.Due, took time.Duration, err error) { //nolint:revive // t comes first in tests
	t.Helper()
	w.run = func(_ context.Context, d runner.Due) (runner.Ran, error) {
		calls = append(calls, d)
		return script[min(len(calls), len(script))-1], nil
	}
	w.ran = func(string, runner.Ran, time.Duration) {}
	began := time.Now()
	job := &river.Job[dueArgs]{JobRow: &rivertype.JobRow{}, Args: dueArgs{Records: "move", Shard: 2, Of: 4}}
	err = w.Work(ctx, job)
	return calls, time.Since(began), err
}

var full = runner.Ran{Claimed: 100, More: true}

// A job works as long as something is due of its shard, waits a little for what follows, and ends.
func TestAJobWorksWhatIsDueAndLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := dueWorker{limit: 100, turn: 30 * time.Second, linger: 2 * time.Second}
		calls, took, err := worked(t, t.Context(), w, full, full, runner.Ran{Claimed: 3}, runner.Ran{})
		require.NoError(t, err)
		assert.Equal(t, runner.Due{Kinds: []string{"move"}, Limit: 100, Shard: storage.Shard{Index: 2, Of: 4}}, calls[0])
		assert.Equal(t, 2*time.Second, took)
		assert.Len(t, calls, 13, "three that worked, and ten looks while it waited")
	})
}

// What is due of other shards alone does not keep a job busy.
func TestAJobDoesNotSpinForOtherShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := dueWorker{limit: 100, turn: 30 * time.Second, linger: 2 * time.Second}
		calls, took, err := worked(t, t.Context(), w, runner.Ran{More: true})
		require.NoError(t, err)
		assert.Equal(t, 2*time.Second, took)
		assert.Len(t, calls, 11)
	})
}

// Records that all fail are not claimed again and again.
func TestAJobDoesNotSpinWhereEverythingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := dueWorker{limit: 100, turn: time.Second, linger: 2 * time.Second}
		calls, _, err := worked(t, t.Context(), w, runner.Ran{Claimed: 100, Failed: 100, More: true})
		require.NoError(t, err)
		assert.LessOrEqual(t, len(calls), 7)
	})
}

// A job whose turn is over goes to the end of its queue, so that others have theirs.
func TestAJobGivesItsTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := dueWorker{limit: 100, turn: 5 * time.Second, linger: 2 * time.Second}
		w.run = func(context.Context, runner.Due) (runner.Ran, error) {
			<-time.After(time.Second)
			return full, nil
		}
		w.ran = func(string, runner.Ran, time.Duration) {}
		began := time.Now()
		err := w.Work(t.Context(), &river.Job[dueArgs]{JobRow: &rivertype.JobRow{}})
		assert.Equal(t, river.JobSnooze(0), err)
		assert.InDelta(t, 5, time.Since(began).Seconds(), 1)
	})
}

// A process that stops hands its jobs to others, whether there is more to do or not.
func TestAJobEndsWhenItsProcessStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopping := make(chan struct{})
		close(stopping)
		for _, ran := range []runner.Ran{full, {}} {
			w := dueWorker{limit: 100, turn: time.Hour, linger: time.Minute, stopping: stopping}
			calls, took, err := worked(t, t.Context(), w, ran)
			assert.Equal(t, river.JobSnooze(0), err)
			assert.Len(t, calls, 1)
			assert.Zero(t, took)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		w := dueWorker{limit: 100, turn: time.Hour, linger: time.Minute}
		_, _, err := worked(t, cancelled, w, full)
		assert.Equal(t, river.JobSnooze(0), err)
	})
}

func TestAJobThatCannotClaimFails(t *testing.T) {
	down := errors.New("the database is away")
	w := dueWorker{limit: 100, turn: time.Hour, linger: time.Minute}
	w.run = func(context.Context, runner.Due) (runner.Ran, error) { return runner.Ran{}, down }
	w.ran = func(string, runner.Ran, time.Duration) {}
	require.ErrorIs(t, w.Work(t.Context(), &river.Job[dueArgs]{JobRow: &rivertype.JobRow{}}), down)
}
