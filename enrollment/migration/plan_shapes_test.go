package migration_test

import "testing"

// The ways to the states, as names of events.
var (
	toAwaiting = []string{"devices_listed: few", "submit: ready"}
	toCooling  = append(toAwaiting[:2:2], "approve: by another")
	toRunning  = append(toCooling[:3:3], "tick: when its time is over")
	toPaused   = append(toRunning[:4:4], "pause")
	toFull     = []string{
		"devices_listed: many", "submit: ready", "approve: by another", "approve: by a third", "tick: when its time is over",
	}
)

// planShapes are plans in every state, in the shapes that matter.
func planShapes(t testing.TB) []planRow {
	plan := func(names ...string) *planStory { return newPlan(t).do(names...) }
	running := func(names ...string) *planStory { return plan(append(toRunning[:4:4], names...)...) }
	return []planRow{
		plan().row("no list"), plan("devices_listed: few").row("listed"), plan("devices_listed: nothing to wipe").row("nothing to wipe"),
		plan(toAwaiting...).row("one to approve"), plan("devices_listed: many", "submit: ready").row("two to approve"),
		plan("devices_listed: many", "submit: ready", "approve: by another").row("one of two approved"),
		plan(append(toAwaiting[:2:2], "exclude")...).row("one excluded"),
		plan(toCooling...).row(""), plan(append(toCooling[:3:3], "switch_set: thrown")...).row("stopped"),
		running().row("just begun"), running("counted: queued", "batches_made: all").row("batches made"),
		running("counted: ready to be wiped").row("a wave of wipes"), running("counted: ready to be wiped", "wave_ended: passed").row("a wave passed"),
		plan(append(toFull[:5:5], "counted: ready to migrate")...).row("a wave of migrations"),
		running("counted: are away").row("devices are away"), running("counted: are away", "looking: there are more").row("looking for devices"),
		plan(append(toAwaiting[:1:1], "push_lost")...).row("listed, push lost"), running("profile_gone").row("profile gone"),
		running("push_lost").row("push lost"), running("switch_set: thrown").row("stopped"),
		running("counted: ready to be wiped", "switch_set: thrown", "moves_told: all").row("stopped in a wave"),
		plan("devices_listed: nothing to wipe", "submit: ready").row("nothing to wipe"),
		plan(toPaused...).row("by a person"), running("counted: many failed").row("by failures"), running("service_gone").row("service gone"),
		running("counted: queued", "tick: when its approval ends").row("approval ended"),
		running("counted: queued", "tick: when its approval ends", "submit: ready").row("approval to be renewed"),
		running("counted: ready to be wiped", "wave_ended: failed").row("by a failed wave"),
		running("cancel").row("just begun"), running("cancel", "moves_told: all", "counted: migrations to undo").row("migrations to undo"),
		running("counted: all enrolled").row(""), running("counted: all enrolled", "device_revived").row("a device is on its way again"),
		plan(append(toAwaiting[:2:2], "reject")...).row("owes the word"), plan(append(toAwaiting[:2:2], "reject", "moves_told: all", "notified: ok")...).row("owes nothing"),
		plan(append(toAwaiting[:2:2], "tick: when its time is over")...).row(""),
		plan("cancel").row("before it began"), running("cancel", "tick: when its time is over").row("after some time"),
	}
}
