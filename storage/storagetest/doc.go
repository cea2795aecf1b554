// Package storagetest proves that a [storage.Store] keeps its promises. An adapter's whole test is
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, storagetest.Factory{New: func(t testing.TB, now func() time.Time) storage.Store {
//			return mystore.New(now)
//		}})
//	}
//
// Beside the suite stand wrappers that break a store in the ways in which real ones break, for tests of what is built
// on one: [Intercept], [FailNth], [FailNthAfter], [FailAfterCommit]. Import this package in tests only.
package storagetest
