package enrollmenttest

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeListing lists the devices of a service, sound but for its quirk.
type fakeListing struct {
	quirk quirk
	calls int
}

var listedSerials = []string{"S1", "S2", "S3"}

func (f *fakeListing) device(serial string) enrollment.AssignedDevice {
	d := enrollment.AssignedDevice{
		Device: enrollment.Device{Serial: serial}, Assigned: enrollment.No, ObservedAt: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC),
	}
	if slices.Contains(listedSerials, serial) {
		d.Assigned = enrollment.Yes
	}
	switch f.quirk {
	case "does not say when":
		d.ObservedAt = time.Time{}
	case "calls everybody its own", "lists a stranger as its own":
		d.Assigned = enrollment.Yes
	case "does not say whose they are":
		d.Assigned = enrollment.NotKnown
	}
	return d
}

func (f *fakeListing) Devices(ctx context.Context, _ enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(yield func(enrollment.AssignedDevice, error) bool) {
		if err := f.ended(ctx); err != nil {
			if f.quirk != "ends without a word" && yield(enrollment.AssignedDevice{}, err) && f.quirk == "goes on after an error" {
				yield(f.device("S1"), nil)
			}
			return
		}
		serials := slices.Clone(listedSerials)
		f.calls++
		switch {
		case f.quirk == "lists a stranger", f.quirk == "lists a stranger as its own":
			serials = append(serials, "S8")
		case f.quirk == "leaves out the last":
			serials = serials[:2]
		case f.quirk == "lists once only" && f.calls > 1:
			serials = nil
		}
		serials = append(serials, serials...) // a device may come twice
		for _, serial := range serials {
			if !yield(f.device(serial), nil) && f.quirk != "does not stop" {
				return
			}
		}
	}
}

func (f *fakeListing) ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil, f.quirk == "does not look at its context":
		return nil
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	}
	return ctx.Err()
}

func (f *fakeListing) Lookup(ctx context.Context, _ enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	if err := f.ended(ctx); err != nil {
		return nil, err
	}
	if len(serials) == 0 && f.quirk == "looks up all where none is named" {
		serials = listedSerials
	}
	var out []enrollment.AssignedDevice
	for _, serial := range serials {
		if d := f.device(serial); d.Assigned == enrollment.Yes || f.quirk != "leaves out whom it has not" {
			out = append(out, d)
		}
	}
	if f.quirk == "turns the order" {
		slices.Reverse(out)
	}
	return out, nil
}

func listerRig(_ testing.TB, q quirk) DeviceListerRig {
	return DeviceListerRig{
		Lister: &fakeListing{quirk: q}, Service: enrollment.Service{Tenant: "acme", Server: "to"}, Serials: listedSerials, Elsewhere: "S8",
	}
}

func TestDeviceListersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, listerCases, listerRig, map[string][]quirk{
		"every device is listed, and no other": {
			"lists a stranger", "lists a stranger as its own", "leaves out the last", "lists once only", "does not say when", "does not say whose they are",
		},
		"who has seen enough may stop": {"does not stop"},
		"each device is looked up as it is now, in order": {
			"leaves out whom it has not", "turns the order", "calls everybody its own", "does not say when", "does not say whose they are",
		},
		"nothing is looked up of no devices": {"looks up all where none is named"},
		"after an error the list ends, and a context that has ended is one": {
			"goes on after an error", "ends without a word", "does not look at its context", "panics with a context that has ended",
		},
	})
}
