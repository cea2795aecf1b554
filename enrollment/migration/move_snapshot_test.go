package migration_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const moveSnapshots = "testdata/snapshots/v1/move"

// What was stored of a move is read for ever, and every event still means something to it.
func TestMoveSnapshotsLoadForEver(t *testing.T) {
	for _, row := range moveShapes(t) {
		machinetest.Keep(t, moveSnapshots, row.Name, row.S)
	}
	for name, m := range machinetest.Kept[migration.Move](t, moveSnapshots) {
		state, _, _ := strings.Cut(name, "-")
		assert.EqualValues(t, state, m.State, name)
		_, err := moves().Matrix([]moveRow{
			{Name: string(m.State), At: noon.Add(hour), S: m}, {Name: string(m.State), At: noon.Add(3 * year), S: m},
		}, moveEvents())
		require.NoError(t, err, name)
	}
}

// A plan of a hundred thousand devices is stored move by move.
func TestAMoveIsSmall(t *testing.T) {
	for _, row := range moveShapes(t) {
		text, err := json.Marshal(row.S)
		require.NoError(t, err)
		assert.Less(t, len(text), 4<<10, "%s: %s", row.Name, text)
	}
}

// The history of a move is bounded, however often it is retried.
func TestHistoryIsBounded(t *testing.T) {
	s := newMove(t, migration.Wipe, route)
	for range 100 {
		s.do("skip", "retry: as before")
	}
	require.Len(t, s.m.History, 40)
	assert.Equal(t, migration.MoveMoment{At: s.now, Event: migration.EventRetry, State: migration.MoveQueued}, s.m.History[39])
	first := newMove(t, migration.Wipe, route).do(toSeeking...).m.History
	require.Len(t, first, 3)
	assert.Equal(t, migration.MoveMoment{At: noon, Event: "made", State: migration.MoveQueued}, first[0])
}

// FuzzMoveSnapshot takes any JSON for a stored move: no event makes it panic, no wipe leaves it without its release, and left
// to itself it never spins.
func FuzzMoveSnapshot(f *testing.F) {
	for _, text := range machinetest.KeptTexts(f, moveSnapshots) {
		f.Add(text)
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"state":"wiping","pending":[{"id":"x","kind":"send_wipe"},{"id":"x","kind":"recall_wipe"},{"id":"y","kind":"ask_wipe"}]}`))
	f.Add([]byte(`{"state":"confirming_wipe","wipe":{"fate":"sent","abilities":{"recall":true}},"due_at":"0001-01-02T00:00:00Z"}`))
	f.Add([]byte(`{"state":"awaiting_turn","wave":1,"decision":{"strategy":"wipe"},"confirmed":{"at":"2026-11-02T12:00:00Z"},"wipe":{}}`))
	f.Add([]byte(`{"state":"enrolled","wave":-1,"wipe":{"fate":"sending"},"pending":[{"id":"x","kind":"clear_lock"}]}`))
	all := moveEvents()
	f.Fuzz(func(t *testing.T, text []byte) {
		var m migration.Move
		if json.Unmarshal(text, &m) != nil || len(text) > 16<<10 {
			return
		}
		for _, ev := range all {
			now := noon
			if ev.Late != nil {
				now = now.Add(ev.Late(m, now))
			}
			tr, err := m.Step(policy, now, ev.Of(m, now))
			if err != nil {
				require.True(t, ev.Asked, "%s: a fact is refused: %v", ev.Name, err)
			}
			if tr.Send != nil {
				require.True(t, m.Ready(policy, now), "a wipe was released of a device that was not ready")
			}
		}
		m.Allowed(policy, noon, tess)
		for _, a := range stubborn() {
			moveLives(t, m, a)
		}
	})
}

// moveLives leaves a move to itself for a while, and demands that it is never awake for nothing.
func moveLives(t *testing.T, m migration.Move, a says) {
	t.Helper()
	now := noon
	tell := func(ev migration.MoveEvent) {
		tr, err := m.Step(policy, now, ev)
		require.NoError(t, err)
		require.Nil(t, tr.Send)
		m = tr.Move
	}
	for range 100 {
		tell(migration.MoveTicked{})
		for _, x := range m.Due(now) {
			tell(a.to(m, x, now))
		}
		wake := m.Wake()
		if !moveAwake(t, m, wake, now) {
			return
		}
		now = wake
	}
}

// moveAwake reports whether a move has something to do later. An effect that nobody knows is nobody's to do.
func moveAwake(t *testing.T, m migration.Move, wake, now time.Time) bool {
	t.Helper()
	for _, x := range m.Due(now) {
		switch x.Kind {
		case enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.SendWipe, enrollment.AskWipe, enrollment.RecallWipe, enrollment.ClearLock:
		default:
			return false
		}
	}
	if wake.IsZero() {
		require.False(t, m.Live() && m.State.Live(), "it lives and never wakes again")
		return false
	}
	require.True(t, wake.After(now) || len(m.Due(now)) > 0, "it is awake and has nothing to do: %+v", m)
	return true
}
