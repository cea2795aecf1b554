package runner

import (
	"iter"

	"github.com/abmrenew/abmrenew/enrollment"
)

// PlanRow is one device that a plan is to move.
type PlanRow struct {
	Serial string
	// SharedAccepted: a person has looked at this device and takes it that everybody's data on it is lost, should it be a
	// Shared iPad.
	SharedAccepted bool
	// Told is what the list itself says of the device, such as its UDID; what Apple and the MDM say counts more. Nil: nothing.
	Told *enrollment.Device
	// Other is kept with the device for those who look at it, and nothing is decided by it: whose it is, say. Nil: nothing.
	Other map[string]string
	// Wrong is what whoever read the list found wrong with the row, which is told of and left out. Nil: nothing.
	Wrong *enrollment.Problem
}

// Serials makes the rows of a plan from serial numbers.
func Serials(serials ...string) iter.Seq2[PlanRow, error] {
	return func(yield func(PlanRow, error) bool) {
		for _, s := range serials {
			if !yield(PlanRow{Serial: s}, nil) {
				return
			}
		}
	}
}

const (
	maxRowOther   = 8 << 10 // bytes
	maxDeviceFact = 4 * maxName
)

// checked returns the row with its serial number as Apple writes it, or what is wrong with it.
func (r PlanRow) checked() (PlanRow, *enrollment.Problem) {
	serial := enrollment.NormalSerial(r.Serial)
	if r.Wrong != nil {
		r.Serial = serial
		return r, r.Wrong
	}
	if serial == "" {
		r.Serial = plainWords(r.Serial)
		return r, invalid("serial", "a serial number as Apple writes it")
	}
	r.Serial = serial
	if d := r.Told; d != nil {
		facts := d.UDID + d.Model + d.Product + string(d.Family) + d.OS
		if d.UDID != "" && !validUDID(d.UDID) || len(facts) > maxDeviceFact || !printable(facts) {
			return r, invalid("device", "an enrollment ID, model, family and version of printable characters, none of them long")
		}
	}
	size := 0
	for name, value := range r.Other {
		size += len(name) + len(value)
	}
	if size > maxRowOther {
		return r, invalid("other", "at most 8 KiB beside the device")
	}
	return r, nil
}

// device is what the list says of the device.
func (r PlanRow) device() enrollment.Device {
	d := enrollment.Device{}
	if r.Told != nil {
		d = *r.Told
	}
	d.Serial = r.Serial
	return d
}
