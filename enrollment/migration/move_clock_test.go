package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// saw tells a move what happened to its device at some moment, whenever it is told; it reports whether that moved it.
func (s *moveStory) saw(kind enrollment.DeviceEventKind, mdm enrollment.MDMID, at time.Time) bool {
	s.t.Helper()
	e := enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: ourSerial, MDM: mdm, At: at}
	if kind == enrollment.DeviceProfileFetched {
		e.Server = "srv_new"
	}
	tr, err := s.m.Step(policy, s.now, migration.Observed{DeviceEvent: e})
	require.NoError(s.t, err)
	s.m = tr.Move
	return tr.Moved
}

// An MDM whose clock is ahead says nothing about the future: what happens after it, by right clocks, still counts.
func TestAClockThatIsAheadMovesNothingIntoTheFuture(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toReady...)
	require.True(t, s.saw(enrollment.DeviceAuthenticated, "mdm_new", s.now.Add(30*day)))
	assert.Equal(t, s.now, s.m.Arriving)
	s.now = s.now.Add(minute)
	s.do("device_confirmed: all is well")
	assert.True(t, s.m.Ready(policy, s.now), "it was seen at its MDM since")
}

// A fact without a time happened when it was told.
func TestAFactWithoutATimeHappenedNow(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toErased...)
	require.True(t, s.saw(enrollment.DeviceEnrolled, "mdm_new", time.Time{}))
	assert.Equal(t, migration.MoveEnrolled, s.m.State)
	assert.Equal(t, s.now, s.m.Enrolled)
}

// Where one MDM stands behind both services, the enrollment must come with or after the fetch of the new profile: one from
// before, by the old profile, is none, however late Apple tells of the fetch.
func TestAnEnrollmentBeforeTheFetchIsNotTheOne(t *testing.T) {
	s := newMove(t, migration.Wipe, within()).do(toErased...)
	s.now = s.now.Add(5 * hour)
	require.True(t, s.saw(enrollment.DeviceEnrolled, "mdm_old", s.now.Add(-4*hour)))
	require.True(t, s.saw(enrollment.DeviceProfileFetched, "", s.now.Add(-2*hour)))
	assert.Equal(t, migration.MoveReturning, s.m.State, "it was erased once more and is being set up")
	require.True(t, s.saw(enrollment.DeviceEnrolled, "mdm_old", s.now.Add(-2*hour-minute)), "the clocks differ somewhat")
	assert.Equal(t, migration.MoveEnrolled, s.m.State)
}

// On one MDM a fetch from before the release of the wipe proves nothing, either.
func TestAFetchBeforeTheReleaseProvesNothing(t *testing.T) {
	s := newMove(t, migration.Wipe, within()).do(toErased...)
	assert.False(t, s.saw(enrollment.DeviceProfileFetched, "", s.m.Wipe.ReleasedAt))
	require.True(t, s.saw(enrollment.DeviceEnrolled, "mdm_old", s.now))
	assert.Equal(t, migration.MoveReturning, s.m.State)
	assert.Equal(t, migration.MoveReturned, s.do("tick: due").m.State)
}

// What cannot be reached is not tried for ever: a person hears of the lock while there is still time to enroll.
func TestALockIsGivenUpAfterSomeDays(t *testing.T) {
	s := newMove(t, migration.Wipe, route).do(toReady[:6]...).do("device_confirmed: locked", "wipe_released: by its approval", "wipe_sent: queued", "wipe_answered: acknowledged")
	for range 60 {
		if s.m.State != migration.MoveUnlocking {
			break
		}
		s.now = s.m.Wake()
		s.do("lock_cleared: no answer")
	}
	assert.Equal(t, migration.MoveReturning, s.m.State)
	assert.Equal(t, enrollment.CodeLockStays, s.m.Warnings[0].Code)
	assert.Less(t, s.now.Sub(noon), 3*day)
}
