package enrollmenttest_test

import (
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
)

// ourMDM stands for a host's own MDM and what a test of it can do.
type ourMDM struct{ enrollment.WipeDispatcher }

func startOurMDM(testing.TB, func() time.Time) *ourMDM { return &ourMDM{} }

func (*ourMDM) comeBy(enrollment.Device, enrollment.WipeState) []enrollmenttest.TakenWipe { return nil }

// A host holds its own dispatcher to the promises of the port.
func ExampleRunWipeDispatcher() {
	_ = func(t *testing.T) { // func TestOurDispatcher(t *testing.T)
		enrollmenttest.RunWipeDispatcher(t, func(t testing.TB, now func() time.Time) enrollmenttest.WipeDispatcherRig {
			mdm := startOurMDM(t, now)
			return enrollmenttest.WipeDispatcherRig{
				Dispatcher: mdm, Tenant: "acme", MDM: "old",
				Mac:     enrollment.Device{Serial: "C02MT66KFLHH", UDID: "66ADE930-5FDF-5EC4-8429-15640684C489", Family: enrollment.FamilyMac},
				Other:   enrollment.Device{Serial: "DMPXL0GSJGH5", UDID: "00008103-001A2B3C4D5E6F70", Family: enrollment.FamilyIPad},
				Connect: mdm.comeBy,
			}
		})
	}
	// Output:
}
