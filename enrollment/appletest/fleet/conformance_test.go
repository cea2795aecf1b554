package fleet_test

import (
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
)

// two is a world with two devices at one MDM.
func two(now func() time.Time, change func(*fleet.Behavior)) (w *fleet.World, mac, other *fleet.Device) {
	w = fleet.New(fleet.Options{Now: now})
	org := appletest.New(appletest.Options{Now: now}).AddOrganization("Acme Inc.")
	mdm := w.AddMDM("acme", "old")
	mdm.Change(change)
	mac = w.AddDevice(org, fleet.Spec{Serial: "C02MAC", Locked: true})
	other = w.AddDevice(org, fleet.Spec{Serial: "C02OTHER", Family: enrollment.FamilyIPhone, Locked: true, NoBypassCode: true})
	mac.EnrollAt(mdm)
	other.EnrollAt(mdm)
	return w, mac, other
}

// The MDMs of a world keep what the ports promise, so that what a test shows of a plan is not the fault of its fake. That
// holds for every behavior that says what it lacks.
func TestTheMDMsKeepWhatADispatcherPromises(t *testing.T) {
	for name, change := range map[string]func(*fleet.Behavior){
		"all":    func(*fleet.Behavior) {},
		"little": func(b *fleet.Behavior) { b.NoStatus, b.NoRecall, b.PushLost, b.KeepsQueue = true, true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			enrollmenttest.RunWipeDispatcher(t, func(_ testing.TB, now func() time.Time) enrollmenttest.WipeDispatcherRig {
				w, mac, other := two(now, change)
				return enrollmenttest.WipeDispatcherRig{
					Dispatcher: w.Ports(), Tenant: "acme", MDM: "old", Mac: mac.Enrollment(), Other: other.Enrollment(),
					Connect: func(d enrollment.Device, answer enrollment.WipeState) (taken []enrollmenttest.TakenWipe) {
						for _, one := range w.Device(d.Serial).ComeBy(answer) {
							taken = append(taken, enrollmenttest.TakenWipe(one))
						}
						return taken
					},
					LoseAnswer: func() { mac.MDM().Change(func(b *fleet.Behavior) { b.LosesAnswers = 1 }) },
				}
			})
		})
	}
}

func TestTheMDMsAreReaders(t *testing.T) {
	enrollmenttest.RunDeviceReader(t, func(testing.TB) enrollmenttest.DeviceReaderRig {
		w, mac, other := two(func() time.Time { return start }, func(*fleet.Behavior) {})
		return enrollmenttest.DeviceReaderRig{Reader: w.Ports(), Tenant: "acme", MDM: "old", One: mac.Enrollment(), Two: other.Enrollment()}
	})
}

func TestTheWorldClearsLocks(t *testing.T) {
	enrollmenttest.RunLockClearer(t, func(testing.TB) enrollmenttest.LockClearerRig {
		w, mac, other := two(func() time.Time { return start }, func(*fleet.Behavior) {})
		return enrollmenttest.LockClearerRig{
			Clearer: w.Ports(), Tenant: "acme", Locked: mac.Enrollment(), Codeless: other.Enrollment(), Code: "A-code-that-nobody-needs",
			IsLocked: func(d enrollment.Device) bool { return w.Device(d.Serial).Locked() },
		}
	})
}
