package installation

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// PlanDevices is how many devices a plan has.
const PlanDevices = 100

// sourceSerial names the devices of the source, so that copies find their serial numbers in any text.
func sourceSerial(n int) string { return fmt.Sprintf("SOURCE%03d", n) }

// addDevices brings devices of every kind: most Macs obey a wipe, some are off, some refuse; most phones migrate; of shared
// iPads nobody wipes one unasked; some devices are there already.
func (s *source) addDevices(context.Context) error {
	for n := range PlanDevices {
		spec := fleet.Spec{Serial: sourceSerial(n)}
		switch kind := n % 20; {
		case n == 47: // few enough that the plan does not pause by itself
			spec.Offline = []fleet.Window{{From: s.now.Add(time.Minute)}}
		case n == 70:
			spec.Manner = fleet.Refuses
		case kind < 11: // a Mac that obeys
		case kind < 16:
			spec.Family, spec.OS, spec.Migrates = enrollment.FamilyIPhone, "26.1", 25*time.Hour
		case kind < 18:
			spec.Family, spec.OS = enrollment.FamilyIPad, "17.4"
		case kind == 18:
			spec.Family, spec.OS, spec.SharedIPad = enrollment.FamilyIPad, "17.4", true
		}
		d := s.world.AddDevice(s.org, spec)
		if err := s.admin.Assign(s.from.apple, spec.Serial); err != nil {
			return err
		}
		if n%20 == 19 {
			d.EnrollAt(s.new)
		} else {
			d.EnrollAt(s.old)
		}
	}
	return nil
}

// Lookup adds what Apple's other API tells of a device.
func (s *source) Lookup(ctx context.Context, at enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	seen, err := s.Services.Lookup(ctx, at, serials)
	for i, d := range seen {
		if standing, found := s.org.Standing(d.Serial); found {
			if seen[i].Capable = enrollment.No; standing.Migrates {
				seen[i].Capable = enrollment.Yes
			}
		}
	}
	return seen, err
}

// Assign is Apple, which needs some time.
func (s *source) Assign(_ context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	var err error
	if r.Kind == enrollment.CancelMigration {
		err = s.admin.Assign(s.to.apple, r.Serials...)
	} else {
		err = s.admin.AssignWithDeadline(s.to.apple, r.Deadline, r.Serials...)
	}
	if err != nil {
		return enrollment.Activity{}, &enrollment.CallError{Outcome: enrollment.Fatal, Err: err}
	}
	return enrollment.Activity{ID: string(r.Effect), State: enrollment.ActivityRunning}, nil
}

// Activity is done when it is asked about.
func (s *source) Activity(_ context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
}
