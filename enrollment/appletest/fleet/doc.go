// Package fleet has devices and MDMs that act, beside the fake Apple of package appletest: for tests, demonstrations and
// examples in which devices move from one MDM to another.
//
//	world := fleet.New(fleet.Options{Now: clock.Now, Wait: clock.Advance})
//	old, next := world.AddMDM("acme", "old"), world.AddMDM("acme", "new")
//	next.Serves(service, "srv_2")       // which service at Apple leads there, and its name in events
//	device := world.AddDevice(org, fleet.Spec{Serial: "C02A", Family: enrollment.FamilyMac, OS: "15.1"})
//	device.EnrollAt(old)
//	world.Advance(2 * time.Hour)        // devices check in, obey, erase themselves, set themselves up again
//	for _, e := range world.Events() { ... }
//
// A device knows nothing of who moves it. It checks in at its MDM from time to time and does what is queued for it, in its
// own [Manner]; erased, it is walked through Setup Assistant, asks Apple where it belongs, and enrolls by the profile of the
// service that it is THEN assigned to, or lives on unmanaged. Which device is assigned where, and its profile, is the fake
// Apple's to say alone. At its migration deadline a capable device changes its MDM by itself.
//
// An MDM keeps a queue of wipes for each device, can be out of reach, lose its push certificate, or lose answers, and tells
// subscribers what it saw as [enrollment.DeviceEvent]. One MDM may stand behind several services. [World.Ports] implements
// the ports of package enrollment over all MDMs of the world.
//
// # Time
//
// Nothing runs by itself: [World.Step] lets everything happen that is due by [Options.Now], and [World.Advance] moves the
// clock from one such moment to the next. The same calls give the same history.
//
// # Concurrency
//
// Everything is safe for concurrent use. Subscribers are called one after the other, by whoever steps, and may call back.
package fleet
