package fleet

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Taken is a wipe as a device got it.
type Taken struct{ Command, PIN string }

// ComeBy has the device take all that its MDM holds for it, and give each the same answer, without doing anything.
func (d *Device) ComeBy(answer enrollment.WipeState) (taken []Taken) {
	d.byHand(func(time.Time) bool {
		for range len(d.mdm.records[d.spec.UDID].queue) {
			c := d.mdm.take(d)
			taken = append(taken, Taken{c.wipe.Command, c.pin})
			d.mdm.answer(d, c, answer, "")
		}
		return true
	})
	return taken
}
