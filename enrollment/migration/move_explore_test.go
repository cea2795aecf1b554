package migration_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Everything that can be reached from any shape is walked through, as far as there is room.
func TestExploreMove(t *testing.T) {
	most := 220
	if testing.Short() {
		most = 100
	}
	seen, err := moves().Explore(machinetest.Exploration[migration.Move, migration.MoveEvent]{
		Start: moveShapes(t), Events: moveEvents(), Jumps: []time.Duration{2 * day}, Most: most, Essence: moveEssence,
		CheckStep: func(before migration.Move, now time.Time, ev moveEvent, after migration.Move, _ error) error {
			return errors.Join(wipesSafely(before, now, after), offersWhatItTakes(after, now))
		},
	})
	require.NoError(t, err)
	t.Logf("%d snapshots, %d edges, complete: %v: %v", seen.Snapshots, seen.Edges, seen.Complete, seen.States)
	for _, state := range migration.MoveStates() {
		assert.Positive(t, seen.States[string(state)], "%s was never reached", state)
	}
}

// moveEssence leaves out of a move what is kept for people only.
func moveEssence(m migration.Move) migration.Move {
	m.CreatedAt, m.EndedAt, m.History, m.Warnings, m.PIN = time.Time{}, time.Time{}, nil, nil, ""
	if m.Wipe != nil {
		w := *m.Wipe
		w.Effect, w.AnsweredAt = "", time.Time{}
		m.Wipe = &w
	}
	m.Pending = slices.Clone(m.Pending)
	for i := range m.Pending {
		m.Pending[i].Wipe = nil
	}
	return m
}

// wipesSafely is what must hold of every single step.
func wipesSafely(before migration.Move, now time.Time, after migration.Move) error {
	sends := func(m migration.Move) bool {
		return slices.ContainsFunc(m.Pending, func(x enrollment.Effect) bool { return x.Kind == enrollment.SendWipe })
	}
	switch {
	case sends(after) && after.State != migration.MoveWiping:
		return fmt.Errorf("a wipe is sent in %s", after.State)
	case sends(after) && !sends(before):
		switch {
		case !before.Ready(policy, now):
			return errors.New("a wipe was released of a device that was not ready")
		case after.AssignedAt.IsZero() || after.ProfileAt.IsZero():
			return errors.New("a wipe was released before the new service confirmed device and profile")
		case before.Wipe != nil && after.Wipe.Command != before.Wipe.Command:
			return errors.New("a wipe was released while another one was known")
		case slices.Contains(before.Spent, after.Wipe.Approval):
			return errors.New("a wipe was released by an approval that is spent")
		}
	case before.Wipe.MayStrike() && (after.State == migration.MoveEnrolled || after.State == migration.MoveReturned) && after.Wipe.MayStrike():
		return fmt.Errorf("the device is %s and its wipe is not void", after.State)
	case after.Wipes > before.Wipes && before.Wipe != nil:
		return errors.New("a second wipe was begun without a retry")
	}
	return nil
}

// offersWhatItTakes demands that what Allowed offers is taken, and what it does not offer changes nothing.
func offersWhatItTakes(m migration.Move, now time.Time) error {
	offered := m.Allowed(policy, now, tess)
	for _, ev := range []migration.MoveEvent{migration.RetryRequested{By: tess}, migration.SkipRequested{By: tess}, migration.CancelRequested{By: tess}} {
		tr, err := m.Step(policy, now, ev)
		if taken := err == nil && tr.Moved; taken != slices.Contains(offered, ev.Name()) {
			return fmt.Errorf("%s is offered: %v, and taken: %v", ev.Name(), !taken, taken)
		}
	}
	return nil
}

// Steps from one snapshot share nothing that they change.
func TestMoveStepsShareNothing(t *testing.T) {
	rows := moveShapes(t)
	for i := range rows {
		m := &rows[i].S
		m.Pending, m.Warnings, m.History = slices.Grow(m.Pending, 4), slices.Grow(m.Warnings, 4), slices.Grow(m.History, 4)
		m.Spent = slices.Grow(m.Spent, 4)
	}
	require.NoError(t, moves().Apart(rows, moveEvents()))
}
