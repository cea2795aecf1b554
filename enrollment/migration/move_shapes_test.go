package migration_test

import (
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// The ways to the states, as names of events.
var (
	toSeeking  = []string{"assign_started: in a batch", "assign_result: ok"}
	toProfiled = append(toSeeking[:2:2], "read_back: without a profile", "profile_result: ok", "read_back: with the profile")
	toReady    = append(toProfiled[:5:5], "turn_called: first wave", "device_confirmed: all is well")
	toAbleTurn = append(toProfiled[:5:5], "turn_called: first wave", "device_confirmed: through an MDM that can all")
	toWiping   = append(toReady[:7:7], "wipe_released: by its approval")
	toAble     = append(toAbleTurn[:7:7], "wipe_released: by its approval")
	toSent     = append(toWiping[:8:8], "wipe_sent: queued")
	toAbleSent = append(toAble[:8:8], "wipe_sent: queued")
	toErased   = append(toSent[:9:9], "wipe_answered: acknowledged")
)

// phone makes the device an iPhone, which is no Shared iPad and whose Error proves nothing.
func phone(q *migration.MoveRequest) {
	q.Device.Family, q.Device.Product, q.Device.OS = enrollment.FamilyIPhone, "iPhone12,1", "18.7"
	q.Decision = toWipe(q.Device)
}

// handless has a phone set itself up after its wipe.
func handless(q *migration.MoveRequest) {
	phone(q)
	q.Decision.Options = enrollment.SafeWipe(q.Device, true)
}

// moveShapes are moves in every state, in the shapes that matter.
func moveShapes(t testing.TB) []moveRow {
	wipe := func(names ...string) *moveStory { return newMove(t, migration.Wipe, route).do(names...) }
	able := func(names ...string) *moveStory { return wipe(append(toAbleSent[:9:9], names...)...) }
	one := func(names ...string) *moveStory { return newMove(t, migration.Wipe, within()).do(names...) }
	migrate := func(names ...string) *moveStory { return newMove(t, migration.Migrate, route).do(names...) }
	locked := append(toProfiled[:5:5], "turn_called: first wave", "device_confirmed: locked", "wipe_released: by its approval", "wipe_sent: queued", "wipe_answered: acknowledged")
	blind := append(toProfiled[:5:5], "turn_called: first wave", "device_confirmed: through an MDM that can nothing", "wipe_released: by its approval")
	return []moveRow{
		wipe().row("to wipe"), migrate().row("to migrate"),
		wipe(toSeeking[:1]...).row("to wipe"), migrate(toSeeking[:1]...).row("to migrate"),
		wipe(toSeeking...).row("to wipe"), migrate(toSeeking...).row("to migrate"),
		wipe(toProfiled[:3]...).row(""),
		wipe(toProfiled[:4]...).row("to wipe"), migrate(toProfiled[:4]...).row("to migrate"),
		newMove(t, migration.Reassign, within()).do(toProfiled[:4]...).row("to reassign"),
		newMove(t, migration.Hands, route).do(toProfiled[:4]...).row("for hands"),
		migrate(toProfiled...).row(""),
		wipe(toProfiled...).row("not called"), wipe(toReady[:6]...).row("being confirmed"), wipe(toReady...).row("ready"),
		one(toReady...).row("ready, one MDM"),
		wipe(append(toReady[:6:6], "device_confirmed: needs a PIN")...).row("needs a PIN"),
		newMove(t, migration.Wipe, route, handless).do(append(toReady[:6:6], "device_confirmed: locked, with a code")...).row("lock comes first"),
		wipe(append(toReady[:6:6], "authenticated: at the new MDM")...).row("arriving"),
		wipe(append(toWiping[:8:8], "wipe_sent: not sent")...).row("not sent"),
		wipe(append(toWiping[:8:8], "wipe_sent: no answer")...).row("perhaps sent"),
		wipe(append(toWiping[:8:8], "wipe_sent: no answer", "turn_called: next wave", "device_confirmed: all is well")...).row("perhaps sent, ready again"),
		wipe(toWiping...).row("the MDM refuses repeats"), wipe(toAble...).row("the MDM can all"), wipe(blind...).row("the MDM can nothing"),
		one(toWiping...).row("one MDM"),
		wipe(append(toWiping[:8:8], "wipe_sent: no answer", "turn_called: next wave", "device_confirmed: all is well", "wipe_released: by its approval")...).row("once more"),
		wipe(toSent...).row("the MDM refuses repeats"), able().row("the MDM can all"), one(toSent...).row("one MDM"),
		newMove(t, migration.Wipe, route, phone).do(toSent...).row("a phone"),
		wipe(append(toAble[:8:8], "wipe_sent: no answer")...).row("perhaps sent, asked about"),
		wipe(append(blind[:8:8], "wipe_sent: no answer")...).row("perhaps sent, nobody knows"),
		able("gate_closed").row("being withdrawn"),
		wipe(locked...).row(""), one(locked...).row("one MDM"),
		wipe(toErased...).row("erased"), one(toErased...).row("erased, one MDM"),
		wipe(append(toSent[:9:9], "authenticated: at the new MDM")...).row("came before it answered"),
		able("authenticated: at the new MDM").row("came before it answered, being recalled"),
		one(append(toErased[:10:10], "enrolled: at the old MDM")...).row("enrolled, by which profile?"),
		one(append(toErased[:10:10], "profile_fetched: of the new service")...).row("fetched"),
		migrate(append(toProfiled[:5:5], "cancel")...).row("a migration"), able("cancel").row("a wipe"),
		wipe(append(toErased[:10:10], "enrolled: at the new MDM")...).row(""),
		able("enrolled: at the new MDM").row("wipe being recalled"),
		newMove(t, migration.Reassign, within()).do(toProfiled...).row(""),
		wipe(append(toSent[:9:9], "tick: due")...).row("for good"), able("tick: due").row("being recalled"),
		wipe(append(toErased[:10:10], "enrolled: at the old MDM")...).row(""),
		newMove(t, migration.Hands, route).do(toProfiled...).row("to be erased by hand"),
		wipe(append(toErased[:10:10], "tick: due")...).row("not seen again"),
		wipe(append(toSent[:9:9], "wipe_answered: error")...).row("refused the wipe"),
		wipe(append(toReady[:6:6], "device_confirmed: another enrollment ID")...).row("another device"),
		able("released: now").row("released, being recalled"),
		wipe(append(toSeeking[:1:1], "assign_result: refused")...).row("to wipe"),
		wipe("skip").row(""), wipe("cancel").row(""),
	}
}
