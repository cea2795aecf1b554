package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// Each word says all of how things stand, to moves, batches and waves.
func TestWordsReachEverythingThatBelongsToAPlan(t *testing.T) {
	by := migration.CancelRequested{By: bob}
	for _, c := range []struct {
		word             migration.Word
		move             migration.MoveEvent
		batch            migration.BatchEvent
		wipes, migration migration.WaveEvent
	}{
		{migration.WordGo, nil, migration.BatchResumed{}, migration.WaveResumed{}, migration.WaveResumed{}},
		{migration.WordCalm, migration.TurnEnded{}, migration.BatchResumed{}, migration.WaveHeld{}, migration.WaveResumed{}},
		{migration.WordHold, migration.TurnEnded{}, migration.BatchHeld{}, migration.WaveHeld{}, migration.WaveHeld{}},
		{migration.WordStop, migration.GateClosed{}, migration.BatchHeld{}, migration.WaveHeld{}, migration.WaveHeld{}},
		{migration.WordCancel, by, migration.BatchClosed{}, migration.WaveClosed{}, migration.WaveClosed{}},
	} {
		assert.Equal(t, c.move, c.word.Move(by), c.word)
		assert.Equal(t, c.batch, c.word.Batch(), c.word)
		assert.Equal(t, c.wipes, c.word.Wave(migration.TrackWipes), c.word)
		assert.Equal(t, c.migration, c.word.Wave(migration.TrackMigrations), c.word)
	}
}

// A count that misses devices ends nothing.
func TestAPlanEndsOnlyWhenEveryDeviceOfItsListWasCounted(t *testing.T) {
	s := newPlan(t).do(append(toRunning[:4:4], "counted: nothing at all")...)
	assert.Equal(t, migration.PlanRunning, s.p.State)
	s.now = s.now.Add(time.Hour)
	s.do("counted: all enrolled")
	assert.Equal(t, migration.PlanCompleted, s.p.State)
}

// The same devices are asked for twice at most.
func TestABatchAsksNoThirdTime(t *testing.T) {
	for _, row := range batchShapes(t) {
		if row.Name != "reading: for the second time" {
			continue
		}
		tr, err := row.S.Step(policy, row.At.Add(2*day), batchOf(t, "looked: none is there").Of(row.S, row.At.Add(2*day)))
		require.NoError(t, err)
		assert.Equal(t, migration.BatchReading, tr.Batch.State)
		return
	}
	require.Fail(t, "there is no such shape")
}

func batchOf(t *testing.T, name string) batchEvent {
	t.Helper()
	for _, ev := range batchEvents() {
		if ev.Name == name {
			return ev
		}
	}
	require.Fail(t, "there is no event "+name)
	return batchEvent{}
}
