// Package enrollmenttest has a suite of cases for each port of package enrollment, which a host runs against its own
// implementation:
//
//	func TestOurDispatcher(t *testing.T) {
//		enrollmenttest.RunWipeDispatcher(t, func(t testing.TB, now func() time.Time) enrollmenttest.WipeDispatcherRig {
//			mdm := startOurMDM(t, now)
//			return enrollmenttest.WipeDispatcherRig{Dispatcher: mdm.Dispatcher(), ..., Connect: mdm.Connect}
//		})
//	}
//
// A rig is the implementation with the world behind it, as far as a case has to look at it or move it. Each case gets one of
// its own and checks one promise of the port's documentation: what an implementation cannot do has to be said, never
// guessed. The suites are themselves tested with implementations that break a promise each.
//
// It is for tests only: it imports testing.
package enrollmenttest
