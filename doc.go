// Package abmrenew keeps an RMM vendor's Apple connections alive: for every customer it watches and renews the yearly
// server token of Automated Device Enrollment, which ties a management service to Apple Business or Apple School Manager,
// and the yearly push certificate, without which no command reaches a device.
//
// The promise: a token is replaced only by one that decrypts with a key of that very server, is not expired, is newer
// than the active one, and of which Apple itself said that it belongs to the same service and organization. Token, key and
// renewal then change in one write. No crash, double click, closed browser tab or mixed-up file loses a key or a token. A push
// certificate is replaced only by one with the same topic, its own key and a later end; the one before is kept until Apple
// has accepted the new one.
//
// # What it does not do
//
// It has no user interface, scheduler, login or database of its own: a host embeds it. It cannot download a token, because
// Apple has no interface for that: a person does it at the portal, and [portal] says how. It does not release devices from
// an organization, which cannot be undone.
//
// When a server is lost, devices move to another by a plan ([runner.Tenant.NewPlan]), each in the way that does it least harm.
// Erasing is off until a policy allows it, and then takes the approval of persons other than the author, a cooling period,
// budgets, waves, and a fresh look at each device; a kill switch stops it. Nothing is erased before the new service has
// confirmed the device.
//
// # Duties of the host
//
// A host that does these, in this order, has done everything:
//
//  1. Open a store: [bolt] for one process, or its own that passes [storagetest].
//  2. Keep the master keys ([seal.OpenKeyringFor], or a [seal.KeyWrapper] over its own key service) apart from the store,
//     and back up both. Whoever lost the keys has lost every token.
//  3. Make one [runner.Runner] with a [seal.Sealer] over store and keys, a [dep.Verifier] and, so that people hear of things,
//     an [enrollment.Notifier] ([slognotify] writes to the log). Give it an [apns.Prober] ([apnshttp]), and each customer's push
//     certificate ([runner.Tenant.ImportPush]), or one for the whole account.
//  4. Call [runner.Runner.RunDue] every minute or so, and again until it claims nothing, from whatever it schedules with, on as
//     many machines as it likes. Nothing happens between calls; two at once do no harm.
//  5. Log people in, decide who may do what, and pass who it is ([enrollment.Actor]) with every call.
//  6. Carry a click to the customer's scope, [runner.Runner.Tenant]: an ID of another customer is not found there.
//  7. Show a person the certificate, the steps of [portal], and the [enrollment.Problem] of whatever did not work.
//  8. Take the token for its own calls to Apple from [runner.Tenant.Tokens], and the push certificate from
//     [runner.Tenant.PushSource]; report refusals back to them.
//  9. To move devices, plug in the ports of [enrollment] ([axm], [dep], [nanomdm], or its own that pass [enrollmenttest]), and tell
//     what its MDM hears of devices to [runner.Tenant.Observe], and what becomes of the old MDM's push certificate to
//     [runner.Tenant.ObserveRoute]. An API account ([runner.Tenant.SetAPIAccount]) spares people the portal.
//  10. When a customer leaves, close the tenant ([runner.Tenant.Close]), and later erase it.
//
// A host that has tokens and key pairs already brings them along with [runner.Runner.Adopt], at any time.
//
// # Map
//
// Pure packages, which a host may also use by themselves: [abmtoken] (key pair, .p7m file, token), [apns] (push
// certificate, what is wrong with it, the request for a new one), [enrollment] (the words: server, actor, policy, problem,
// advice), [renewal] (the machines of one renewal and of the watch), [migration] (moving devices to another service),
// [portal] (what to click).
//
// The shell: [runner] loads, steps, commits, and does what is due.
//
// Adapters: [dep] (Apple's device assignment service), [axm] (the Apple Business and School Manager API), [apnshttp] (Apple's
// push service), [nanomdm] (wipes and check-ins through a NanoMDM server), [slognotify] (reminders as log lines), [storage] (the
// contract of a store, with [memory] and [bolt]; storage/postgres is a module of its own), [seal] (encryption at rest).
//
// For tests of a host: [appletest] (a fake Apple), [fleet] (devices and MDMs that act beside it), [storagetest] (what a
// store must do), [enrollmenttest] (what the ports of enrollment must).
//
// # Where to start
//
// Run examples/quickstart, which renews a token end to end against the fake Apple; read the example below; then read the
// package comment of [runner]. examples/migrate moves the devices of a lost server. Whole hosts are examples/abmctl, a command
// line, and examples/worker, for many machines; examples/embed wires the library into a program that was there before. A program
// that only opens token files needs [abmtoken] and nothing else.
//
// # Stability
//
// Three promises are kept apart. The API follows semantic versioning, and may still change before version 1. Stored
// bytes (snapshots, sealed records, keyrings) are read by every later version. The interfaces that a host implements get no
// new method; what is new comes as an interface of its own.
//
// [abmtoken]: https://pkg.go.dev/github.com/abmrenew/abmrenew/abmtoken
// [apns]: https://pkg.go.dev/github.com/abmrenew/abmrenew/apns
// [apns.Prober]: https://pkg.go.dev/github.com/abmrenew/abmrenew/apns#Prober
// [apnshttp]: https://pkg.go.dev/github.com/abmrenew/abmrenew/apns/apnshttp
// [enrollment]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment
// [enrollment.Actor]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment#Actor
// [enrollment.Notifier]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment#Notifier
// [enrollment.Problem]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment#Problem
// [renewal]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/renewal
// [migration]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/migration
// [portal]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/portal
// [runner]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner
// [runner.Runner]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Runner
// [runner.Runner.Adopt]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Runner.Adopt
// [runner.Runner.RunDue]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Runner.RunDue
// [runner.Runner.Tenant]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Runner.Tenant
// [runner.Tenant.ImportPush]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.ImportPush
// [runner.Tenant.PushSource]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.PushSource
// [runner.Tenant.NewPlan]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.NewPlan
// [runner.Tenant.Observe]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.Observe
// [runner.Tenant.ObserveRoute]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.ObserveRoute
// [runner.Tenant.SetAPIAccount]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.SetAPIAccount
// [runner.Tenant.Tokens]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.Tokens
// [runner.Tenant.Close]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/runner#Tenant.Close
// [axm]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/axm
// [dep]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/dep
// [dep.Verifier]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/dep#Verifier
// [nanomdm]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/nanomdm
// [slognotify]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/slognotify
// [enrollmenttest]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/enrollmenttest
// [appletest]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/appletest
// [fleet]: https://pkg.go.dev/github.com/abmrenew/abmrenew/enrollment/appletest/fleet
// [storage]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage
// [memory]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/memory
// [bolt]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/bolt
// [seal]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/seal
// [seal.OpenKeyringFor]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/seal#OpenKeyringFor
// [seal.Sealer]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/seal#Sealer
// [seal.KeyWrapper]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/seal#KeyWrapper
// [storagetest]: https://pkg.go.dev/github.com/abmrenew/abmrenew/storage/storagetest
package abmrenew
