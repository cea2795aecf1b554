// Package axm is a client of the Apple Business and Apple School Manager API, by which an organization's devices move from
// one device management service to another. Its credentials are API accounts, which an administrator makes in the portal.
//
//	credentials, err := axm.NewCredentials(clientID, keyID, privateKeyPEM)
//	client, err := axm.NewClient(credentials, axm.Options{UserAgent: "Acme MDM/7.1"})
//	for device, err := range client.Devices(ctx) { ... }
//	activity, err := client.Assign(ctx, server, serials...)
//
// A [Client] belongs to one API account, and so to one organization; several in a program know nothing of each other. Whether
// it asks the API for businesses or the one for schools follows from the client ID.
//
// # Moving devices
//
// What is asked for many devices at a time is an [Activity], which Apple carries out within minutes: ask for it with
// [Client.Activity] until it has ended. An activity that is COMPLETED proves nothing about a device: Apple completes them over
// serial numbers that nobody has, and devices arrive some time later. Read each back, with [Client.ServerSerials] or from
// the new service itself. [Client.ActivityLog] is what Apple wrote down about each device.
//
// [Organizations] answers the ports of package enrollment by which devices move.
//
// # Errors
//
// An answer that is no success is an [*Error] with Apple's own words. It matches one of [ErrUnauthorized], [ErrForbidden],
// [ErrNotFound], [ErrConflict], [ErrRequest], [ErrThrottled], [ErrRedirect] and [ErrClock]; [ErrDevices] as well where it is
// about the devices that were named. A call that changes something and got no answer, or none that says something, matches
// [ErrUnknown]: Apple has no idempotency key, so read back before it is repeated. [Outcome] puts this into the words of
// package enrollment. No error holds a secret.
//
// # What is repeated
//
// A call whose bearer token Apple does not take is repeated once with a fresh one. Nothing else is. Where Apple asks to wait,
// later calls of the client end at once with [ErrThrottled] until the time has come. [Options.Budget] may hold back what
// changes something, because Apple's own limits, which it does not document, were seen to be about ten an hour.
//
// # Network
//
// Requests go to three hosts over https: the API, the token endpoint, and that of the logs, which never sees a bearer
// token. Addresses are checked when they are dialed; redirects are refused; each answer is bounded after decompression.
//
// # What is left out
//
// RELEASE_DEVICES is left out on purpose. It takes devices out of the organization, which cannot be undone by a program, and
// no part of moving devices needs it. So is the deletion of services.
//
// # Concurrency
//
// Everything is safe for concurrent use. Calls of one Client share its bearer token.
//
// # Sources
//
// Apple Developer Documentation, Apple Business API 1.1 to 2.4 and Apple School Manager API (July 2025 to August 2026):
// "Implementing OAuth for the API", "OrgDevice", "MdmServer", "OrgDeviceActivity", "ErrorResponse", "Migrating managed devices";
// RFC 7523 (client assertions), RFC 6749, RFC 9110. What only other programs have seen is marked "observed" where it is used.
package axm
