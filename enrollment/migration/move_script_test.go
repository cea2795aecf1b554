package migration_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Long stories of one device, told by scripts. What its move makes of each command is written below it: what happened, what a
// person reads, then the state, what is pending and when it wakes.
//
//	move wipe|migrate|reassign|hands [one-mdm] [phone]     a move of a device on a route
//	batch [deadline=30d] | assigned ok|unknown|retry|fatal | profiled ok|unknown|fatal | undone ok|fatal
//	service no|there|profile|fetched|failed|released       what the new service shows, read back now and from now on
//	mdm all|nothing, gone|back, locked|open, pin, shared    what the old MDM can and knows from now on
//	dispatcher ok|lost|unsent|fatal                        how the next wipes leave
//	status STATE | recall ok|fatal | unlock ok|fatal       what else is answered from now on
//	turn [2] | end | release [approval=apr_1] | gate       what wave and plan do
//	authenticate old|new [ago=1h] | enroll old|new [ago=1h] [by=srv_old]
//	fetch [ago=1h] | answer STATE [command=other] | released | elsewhere
//	skip | cancel | retry [reassign]                       what a person asks
//	crash                                                  the answer to the next effect is lost, and so is its result
//	tick 3d                                                time passes; what falls due is done
func TestMoveScripts(t *testing.T) {
	machinetest.Scripts(t, "testdata/scripts/move_*.txt", func() func(machinetest.Command) (string, error) {
		h := &moveHost{t: t, now: noon, can: onlyRefuses, shown: "no", dispatch: enrollment.OK, recall: enrollment.OK, unlock: enrollment.OK}
		return h.command
	})
}

// moveHost is the smallest host of a move: it does the effects in a small world.
type moveHost struct {
	t        *testing.T
	now      time.Time
	m        migration.Move
	can      enrollment.WipeAbilities
	shown    string // by the new service
	gone     bool   // the old MDM does not answer
	locked   bool
	facts    func(f *enrollment.DeviceFacts) // what else it knows; nil: nothing
	dispatch enrollment.Outcome
	recall   enrollment.Outcome
	unlock   enrollment.Outcome
	status   enrollment.WipeState
	lose     bool
	fetched  time.Time
	said     []string
}

func (h *moveHost) say(format string, args ...any) {
	h.said = append(h.said, "  "+fmt.Sprintf(format, args...))
}

// take lets something happen to the move.
func (h *moveHost) take(ev migration.MoveEvent) {
	before := h.m
	tr, err := h.m.Step(policy, h.now, ev)
	var refused *migration.TransitionError
	switch {
	case errors.As(err, &refused):
		h.say("refused: %s", refused.Problem.Args["next"])
		return
	case !tr.Moved:
		h.say("%s: ignored", ev.Name())
		return
	}
	h.m = tr.Move
	if before.State != h.m.State {
		h.say("%s -> %s", before.State, h.m.State)
	}
	if tr.Send != nil {
		h.say("RELEASED wipe %d", h.m.Wipes)
		defer h.do(*tr.Send)
	}
	if was, is := fateOf(before), fateOf(h.m); was != is {
		h.say("wipe %s -> %s", was, is)
	}
	for _, secret := range tr.Drop {
		h.say("drops %s", secret)
	}
	if p := h.m.Problem; p != nil && (before.Problem == nil || before.Problem.Code != p.Code) {
		h.say("%s: %s", p.Code, p.Error())
	}
	for _, w := range h.m.Warnings[min(len(before.Warnings), len(h.m.Warnings)):] {
		h.say("warning %s: %s", w.Code, w.Error())
	}
}

// look is the device as the new service shows it.
func (h *moveHost) look() enrollment.AssignedDevice {
	d := withProfile(h.now)
	d.Family = h.m.Device.Family
	switch h.shown {
	case "no":
		d.Assigned = enrollment.No
	case "there":
		d.Profile, d.ProfileStatus = "", enrollment.ProfileEmpty
	case "fetched":
		d.ProfileStatus, d.ProfilePushed = enrollment.ProfilePushed, h.fetched
	case "failed":
		d.Migration = enrollment.MigrationFailed
	case "released":
		d.Assigned, d.Released = enrollment.No, enrollment.Yes
	}
	return d
}

// answer does an effect.
func (h *moveHost) answer(x enrollment.Effect) (migration.MoveEvent, enrollment.Outcome) {
	result := func(outcome enrollment.Outcome) enrollment.Result {
		r := enrollment.Result{Effect: x.ID, Outcome: outcome}
		if outcome != enrollment.OK {
			r.Problem = &enrollment.Problem{Title: "the MDM says so"}
		}
		return r
	}
	switch x.Kind {
	case enrollment.ConfirmDevice:
		ev := confirmedNow(h.m, h.now)
		ev.Seen, ev.Can = h.look(), h.can
		if h.locked {
			ev.Lock.Locked = enrollment.Yes
		}
		if h.facts != nil {
			h.facts(&ev.Facts)
		}
		if h.gone {
			ev = migration.DeviceConfirmed{Result: result(enrollment.Retry)}
		}
		return ev, ev.Outcome
	case enrollment.MakePIN:
		return migration.PINMade{Result: result(enrollment.OK), Secret: "pin_1"}, enrollment.OK
	case enrollment.SendWipe:
		return migration.WipeSent{Result: result(h.dispatch), Status: wiped{State: enrollment.WipeQueued}}, h.dispatch
	case enrollment.AskWipe:
		return migration.WipeAsked{Result: result(enrollment.OK), Status: wiped{State: h.status, At: h.now}}, enrollment.OK
	case enrollment.RecallWipe:
		return migration.WipeRecalled{Result: result(h.recall)}, h.recall
	}
	return migration.LockCleared{Result: result(h.unlock)}, h.unlock
}

// settle does what is due, as often as that leads to more.
func (h *moveHost) settle() {
	for range 50 {
		due := h.m.Due(h.now)
		if len(due) == 0 {
			return
		}
		h.do(due[0])
	}
}

func (h *moveHost) do(x enrollment.Effect) {
	ev, outcome := h.answer(x)
	if h.lose {
		h.lose = false
		h.say("%s: done, and the host crashes", x.Kind)
		return
	}
	h.say("%s: %s", x.Kind, outcome)
	h.take(ev)
}

// tick lets time pass from wake to wake.
func (h *moveHost) tick(d time.Duration) {
	for end := h.now.Add(d); ; {
		if tr, _ := h.m.Step(policy, h.now, migration.MoveTicked{}); tr.Moved {
			h.take(migration.MoveTicked{})
		}
		h.settle()
		wake := h.m.Wake()
		if wake.IsZero() || wake.After(end) {
			h.now = end
			return
		}
		if wake.After(h.now) {
			h.now = wake
		}
	}
}

// told is what the reader of a script sees of a command.
func (h *moveHost) told(c machinetest.Command) string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.TrimSpace(c.Name+" "+strings.Join(c.Args, " ")))
	for i := 0; i < len(h.said); i++ {
		n := 1
		for i+1 < len(h.said) && h.said[i+1] == h.said[i] {
			n, i = n+1, i+1
		}
		b.WriteString(h.said[i])
		if n > 1 {
			fmt.Fprintf(&b, " x%d", n)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  day %s: %s", strings.TrimSuffix(strconv.FormatFloat(h.now.Sub(noon).Hours()/24, 'f', 1, 64), ".0"), h.m.State)
	for _, x := range h.m.Pending {
		fmt.Fprintf(&b, ", pending %s in %v", x.Kind, max(0, x.NotBefore.Sub(h.now)).Round(time.Second))
	}
	if wake := h.m.Wake(); !wake.IsZero() {
		fmt.Fprintf(&b, ", wakes in %v", wake.Sub(h.now).Round(time.Second))
	}
	if h.m.Ready(policy, h.now) {
		b.WriteString(", READY")
	}
	return b.String()
}
