package migration_test

import (
	"testing"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// BenchmarkMoveStep takes the steps of a device's way, and the ticks in between.
func BenchmarkMoveStep(b *testing.B) {
	at := func(names ...string) migration.Move { return newMove(b, migration.Wipe, route).do(names...).m }
	waiting := at(toSent...)
	for _, c := range []struct {
		name  string
		from  migration.Move
		event string
	}{
		{"tick", waiting, "tick: at once"},
		{"batch", at(), "assign_started: in a batch"},
		{"read back", at(toSeeking...), "read_back: with the profile"},
		{"confirmed", at(toReady[:6]...), "device_confirmed: all is well"},
		{"released", at(toReady...), "wipe_released: by its approval"},
		{"sent", at(toWiping...), "wipe_sent: queued"},
		{"acknowledged", waiting, "wipe_answered: acknowledged"},
		{"enrolled", at(toErased...), "enrolled: at the new MDM"},
		{"ignored fact", at(toErased...), "enrolled: of another device"},
	} {
		now := noon.Add(minute)
		ev := moveEventOf(b, c.event).Of(c.from, now)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.from.Step(policy, now, ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
