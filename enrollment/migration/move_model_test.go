package migration_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// land is a small world around one move: the device, Apple, an old and a new MDM, and people. It knows what is true, which
// the move only hears of: late, twice, in another order, or not at all.
type land struct {
	t   *rapid.T
	m   migration.Move
	now time.Time

	assigned, profile bool              // at the new service
	pushed            time.Time         // when the device fetched that profile
	at                enrollment.MDMID  // where the device is enrolled; empty: it is being set up
	arrived           time.Time         // when it last enrolled by the new service
	queue             []enrollment.Wipe // at the old MDM
	taken             map[string]bool   // command UUIDs that the old MDM took
	recalled          map[string]bool
	erased            map[string]int // by command
	facts             []enrollment.DeviceEvent

	can       enrollment.WipeAbilities
	approvals int
	wiped     map[string]map[string]bool // commands that were sent, by approval
	goodAt    time.Time                  // when the device was last confirmed and all of it was true
}

func newLand(t *rapid.T) *land {
	l := &land{
		t: t, now: noon, at: "mdm_old", taken: map[string]bool{}, recalled: map[string]bool{}, erased: map[string]int{},
		wiped: map[string]map[string]bool{}, approvals: 1,
		can: enrollment.WipeAbilities{
			RefusesRepeats: rapid.Bool().Draw(t, "refuses repeats"), Status: rapid.Bool().Draw(t, "tells"), Recall: rapid.Bool().Draw(t, "recalls"),
		},
	}
	r := route
	if rapid.Bool().Draw(t, "one MDM") {
		r = within()
	}
	change := func(*migration.MoveRequest) {}
	if rapid.Bool().Draw(t, "phone") {
		change = phone
	}
	l.m = begun(t, migration.Wipe, r, change)
	return l
}

func (l *land) take(ev migration.MoveEvent) migration.MoveTransition {
	before := l.m
	tr, err := l.m.Step(policy, l.now, ev)
	if err != nil {
		var refused *migration.TransitionError
		require.ErrorAs(l.t, err, &refused)
		require.Equal(l.t, before, tr.Move)
		return tr
	}
	require.NoError(l.t, wipesSafely(before, l.now, tr.Move), "after %s", ev.Name())
	l.m = tr.Move
	require.NoError(l.t, moves().Sound(l.m), "after %s", ev.Name())
	if again, err := l.m.Step(policy, l.now, ev); err == nil && ev.Name() != migration.EventTurnCalled && before.State != again.Move.State {
		require.Equal(l.t, l.m.State, again.Move.State, "%s, told twice, leads on from %s", ev.Name(), before.State)
	}
	if l.m.State == migration.MoveEnrolled && before.State != migration.MoveEnrolled {
		require.False(l.t, l.arrived.IsZero(), "the move ended and the device never enrolled by the new service")
		require.True(l.t, l.arrived.After(l.m.StartedAt), "it ended by an enrollment from before")
		require.False(l.t, l.m.Wipe.MayStrike(), "it ended and the wipe is not void")
	}
	if tr.Send != nil {
		l.released(*tr.Send)
	}
	return tr
}

// released sends a wipe, or not: the host may crash before, or before it stores the result.
func (l *land) released(x enrollment.Effect) {
	w := *x.Wipe
	require.LessOrEqual(l.t, l.now.Sub(l.goodAt), policy.WipeFreshFor, "a wipe was released of a device that nobody confirmed: %v", l.goodAt)
	approval := l.m.Wipe.Approval
	if l.wiped[approval] == nil {
		l.wiped[approval] = map[string]bool{}
	}
	l.wiped[approval][w.Command] = true
	require.Len(l.t, l.wiped[approval], 1, "two wipes by one approval")
	fault := rapid.SampledFrom([]string{"", "", "", "crash before", "crash after", "lost", "unsent", "late"}).Draw(l.t, "sending")
	if fault == "crash before" {
		return
	}
	if fault == "late" {
		l.now = w.NotAfter.Add(time.Second)
	}
	result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	switch {
	case fault == "unsent" || !l.now.Before(w.NotAfter) || l.recalled[w.Command]:
		result.Outcome = enrollment.Retry
	case l.taken[w.Command]:
		require.True(l.t, l.can.RefusesRepeats, "%s was sent again to an MDM that does not refuse repeats", w.Command)
	default:
		l.taken[w.Command] = true
		l.queue = append(l.queue, w)
	}
	switch fault {
	case "crash after":
		return
	case "lost":
		result.Outcome = enrollment.Unknown
	}
	l.take(migration.WipeSent{Result: result, Status: enrollment.WipeStatus{State: enrollment.WipeQueued, At: l.now}})
}

// see is the device as the new service shows it.
func (l *land) see() enrollment.AssignedDevice {
	d := shown(l.now)
	d.Family, d.Assigned = l.m.Device.Family, enrollment.Yes
	if !l.assigned {
		d.Assigned = enrollment.No
	}
	if l.assigned && l.profile {
		d.Profile, d.ProfileStatus, d.ProfilePushed = ourProfile, enrollment.ProfileAssigned, l.pushed
	}
	return d
}

// effect does one thing that is due.
func (l *land) effect() {
	due := l.m.Due(l.now)
	if len(due) == 0 {
		return
	}
	x := due[0]
	result := enrollment.Result{Effect: x.ID, Outcome: rapid.SampledFrom([]enrollment.Outcome{enrollment.OK, enrollment.OK, enrollment.Retry}).Draw(l.t, string(x.Kind))}
	switch x.Kind {
	case enrollment.ConfirmDevice:
		ev := confirmedNow(l.m, l.now)
		ev.Result, ev.Seen, ev.Can = result, l.see(), l.can
		if l.at != "mdm_old" {
			ev.Facts.Managed = rapid.SampledFrom([]enrollment.Known{enrollment.No, enrollment.NotKnown}).Draw(l.t, "managed")
		} else if result.Outcome == enrollment.OK && l.assigned && l.profile {
			l.goodAt = l.now
		}
		l.take(ev)
	case enrollment.AskWipe:
		if !l.can.Status {
			result.Outcome = enrollment.Fatal
		}
		state := enrollment.WipeUnheard
		if l.taken[x.Wipe.Command] {
			state = enrollment.WipeQueued
		}
		if l.erased[x.Wipe.Command] > 0 {
			state = enrollment.WipeAcknowledged
		}
		l.take(migration.WipeAsked{Result: result, Status: enrollment.WipeStatus{State: state, At: l.now}})
	case enrollment.RecallWipe:
		require.True(l.t, l.can.Recall)
		if result.Outcome == enrollment.OK {
			l.queue = slices.DeleteFunc(l.queue, func(w enrollment.Wipe) bool { return w.Command == x.Wipe.Command })
			l.recalled[x.Wipe.Command] = true
			if l.erased[x.Wipe.Command] > 0 {
				result.Outcome = enrollment.Fatal
			}
		}
		l.take(migration.WipeRecalled{Result: result})
	case enrollment.ClearLock:
		l.take(migration.LockCleared{Result: result})
	default:
		l.t.Fatalf("nobody knows %s", x.Kind)
	}
}

// plan does what batch, wave and plan would do next.
func (l *land) plan() {
	switch l.m.State {
	case migration.MoveQueued:
		if l.take(migration.AssignStarted{Batch: "bat_1"}).Moved {
			l.assigned = rapid.IntRange(0, 4).Draw(l.t, "assigned") > 0
		}
	case migration.MoveAssigning:
		l.take(migration.AssignResult{Batch: "bat_1", Outcome: rapid.SampledFrom([]enrollment.Outcome{enrollment.OK, enrollment.Unknown, enrollment.Retry}).Draw(l.t, "assigning")})
	case migration.MoveProfiling:
		l.profile = l.assigned
		l.take(migration.ProfileResult{Outcome: enrollment.OK})
	case migration.MoveTurn:
		if l.m.Ready(policy, l.now) {
			l.take(migration.WipeReleased{Approval: fmt.Sprint("apr_", l.approvals), SendBy: l.now.Add(migration.SendWithin)})
			return
		}
		l.take(migration.TurnCalled{Wave: 1})
	default:
		l.take(migration.ReadBack{Seen: l.see()})
	}
}

func (l *land) happens(kind enrollment.DeviceEventKind, change func(e *enrollment.DeviceEvent)) {
	l.now = l.now.Add(time.Second)
	e := enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: ourSerial, UDID: ourUDID, MDM: l.at, At: l.now}
	change(&e)
	l.facts = append(l.facts, e)
}

// device lets the device do something.
func (l *land) device() {
	as := func(*enrollment.DeviceEvent) {}
	switch rapid.SampledFrom([]string{"obeys", "obeys", "obeys", "obeys", "refuses", "sets up", "sets up", "sets up", "sets up", "erased by hand", "restored"}).Draw(l.t, "the device") {
	case "obeys":
		if l.at != "mdm_old" || len(l.queue) == 0 {
			return
		}
		w := l.queue[0]
		l.queue = l.queue[1:]
		l.erased[w.Command]++
		require.Equal(l.t, 1, l.erased[w.Command], "the device is erased twice by one wipe")
		l.happens(enrollment.DeviceWipeAnswered, func(e *enrollment.DeviceEvent) {
			e.Wipe = &enrollment.WipeAnswer{Command: w.Command, State: enrollment.WipeAcknowledged}
		})
		l.at = ""
	case "refuses":
		if l.at != "mdm_old" || len(l.queue) == 0 {
			return
		}
		w := l.queue[0]
		l.queue = l.queue[1:]
		l.happens(enrollment.DeviceWipeAnswered, func(e *enrollment.DeviceEvent) {
			e.Wipe = &enrollment.WipeAnswer{Command: w.Command, State: enrollment.WipeFailed}
		})
	case "sets up":
		if l.at != "" {
			return
		}
		l.at = "mdm_old"
		if l.assigned && l.profile {
			l.happens(enrollment.DeviceProfileFetched, func(e *enrollment.DeviceEvent) { e.Server = "srv_new" })
			l.pushed, l.at = l.now, l.m.Route.NewMDM
		}
		l.queue = nil // an Authenticate clears it
		l.happens(enrollment.DeviceAuthenticated, as)
		l.happens(enrollment.DeviceEnrolled, as)
		if l.assigned && l.profile {
			l.arrived = l.now
		}
	case "erased by hand":
		l.at = ""
	case "restored":
		l.at = "mdm_old"
		l.queue = nil
		l.happens(enrollment.DeviceAuthenticated, as)
		l.happens(enrollment.DeviceEnrolled, as)
	}
}

// hear tells the move something that happened, in any order, perhaps twice.
func (l *land) hear() {
	if len(l.facts) == 0 {
		return
	}
	i := rapid.IntRange(0, len(l.facts)-1).Draw(l.t, "fact")
	l.take(migration.Observed{DeviceEvent: l.facts[i]})
	if rapid.IntRange(0, 3).Draw(l.t, "again") > 0 {
		l.facts = slices.Delete(l.facts, i, i+1)
	}
}

func (l *land) person() {
	switch rapid.SampledFrom([]string{"retry", "retry", "skip", "cancel", "gate", "end", "elsewhere", "lost profile"}).Draw(l.t, "a person") {
	case "retry":
		if l.take(migration.RetryRequested{By: tess}).Moved && rapid.Bool().Draw(l.t, "approved anew") {
			l.approvals++
		}
	case "skip":
		l.take(migration.SkipRequested{By: tess})
	case "cancel":
		l.take(migration.CancelRequested{By: tess})
	case "gate":
		l.take(migration.GateClosed{})
	case "end":
		l.take(migration.TurnEnded{})
	case "elsewhere":
		l.assigned, l.profile = false, false
		l.happens(enrollment.DeviceReassigned, func(e *enrollment.DeviceEvent) { e.Server = "srv_other" })
	case "lost profile":
		l.profile = false
	}
}

// Whatever happens around it, and however late, twice or mixed up it hears of it: a device is wiped only if everything was
// confirmed just before, once by one approval, never again where that is not refused, and the move ends as enrolled only if
// the device really did.
func TestAMoveAgainstAWorldThatItOnlyHearsOf(t *testing.T) {
	wiped, ended := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		l := newLand(t)
		if rapid.IntRange(0, 3).Draw(t, "far on") > 0 {
			l.assigned, l.profile = true, true
			l.take(migration.AssignStarted{Batch: "bat_1"})
			l.take(migration.AssignResult{Batch: "bat_1", Outcome: enrollment.OK})
			l.take(migration.ReadBack{Seen: l.see()})
		}
		for range rapid.IntRange(20, 150).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{
				"plan", "plan", "plan", "plan", "plan", "effect", "effect", "effect", "effect", "device", "device", "hear", "hear", "hear", "person", "time",
			}).Draw(t, "who") {
			case "plan":
				l.plan()
			case "effect":
				l.effect()
			case "device":
				l.device()
			case "hear":
				l.hear()
			case "person":
				if rapid.IntRange(0, 3).Draw(t, "somebody") == 0 {
					l.person()
				}
			case "time":
				l.now = l.now.Add(rapid.SampledFrom([]time.Duration{minute, minute, 20 * minute, 6 * hour, 10 * day}).Draw(t, "later"))
				l.take(migration.MoveTicked{})
			}
			l.now = l.now.Add(time.Second)
		}
		wiped += len(l.erased)
		if l.m.State == migration.MoveEnrolled {
			ended++
		}
	})
	t.Logf("%d wipes were obeyed, %d moves ended as enrolled", wiped, ended)
	assert.True(t, testing.Short() || wiped > 0 && ended > 0, "too little happened: does the test still look?")
}
