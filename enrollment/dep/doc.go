// Package dep is a client of Apple's device assignment web service (mdmenrollment.apple.com), by which a device
// management service learns which devices an organization has assigned to it and gives them enrollment profiles. Its
// credentials are server tokens; see package abmtoken.
//
//	verifier, err := dep.NewVerifier(dep.Options{UserAgent: "Acme MDM/7.1"})
//	account, err := verifier.Account(ctx, token) // whose token is this?
//
//	client, err := dep.NewClient(source, dep.Options{UserAgent: "Acme MDM/7.1"})
//	for page, err := range client.FetchDevices(ctx, dep.From{}) { ... }
//
// A [Verifier] asks about any token. A [Client] belongs to one server: it asks an [abmtoken.Source] for the newest token
// before each call, so that a renewed one is used without a restart, and reports to it what Apple said about the token.
//
// # Errors
//
// An answer that is no success is an [*Error] with Apple's own word. Definite answers match a sentinel:
// abmtoken.ErrRejected, abmtoken.ErrTermsPending, abmtoken.ErrAccessDenied, [ErrCursor], [ErrExhausted], [ErrNotFound].
// Everything else (5xx, 429, time-outs, cut connections, [ErrClock], [ErrAnswer], [ErrAddress], [ErrRedirect]) says
// nothing about the token: ask again later, after [Error.RetryAfter] where Apple says so. No error holds a secret.
//
// # What is repeated
//
// A call whose session Apple does not know is repeated once with a fresh session. Nothing else is: whoever embeds this
// package has a schedule already.
//
// # Network
//
// Requests go to one host over https, to addresses that are public when they are dialed, never through a redirect and
// never through a proxy that the environment names (see [Options.Proxy]). Each has a deadline; each answer is bounded after
// decompression, in size and depth, and no name in it may come twice.
//
// # What is left out
//
// POST /devices/disown is left out on purpose. It releases devices from the organization, which cannot be undone, and no
// part of renewing tokens or moving devices needs it.
//
// # Concurrency
//
// Everything is safe for concurrent use. Calls of one Client share a session.
//
// # Sources
//
// Apple Developer Documentation, Device Management: "Authenticating with a device management server", "Account Detail",
// "Fetch a list of devices", "Sync the list of devices", "Get device details", "Define a profile", "Assign a profile",
// "Remove a profile", "Activation lock a device", "Interpreting Automated Device Enrollment error codes" (June 2025 and as
// renamed in 2026); RFC 5849 (OAuth 1.0). What only other programs have seen is marked "observed" where it is used.
package dep
