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
// # Devices
//
// [Client.FetchDevices] lists all devices once, [Client.SyncDevices] lists what happened since. Both go page by page from
// a cursor, which the host stores with what it stored of the page, so that a run that was cut off goes on from there. A
// cursor lives for seven days. [ErrCursor] means that all devices are to be fetched again, [ErrExhausted] that the
// fetch is complete and a sync goes on, [ErrLoop] that Apple's list goes in circles.
//
// # Calls about many devices
//
// [Client.DeviceDetails], [Client.AssignProfile] and [Client.RemoveProfile] take any number of serial numbers, ask in parts
// of [MaxDevices], and answer for each device by itself: see [Result]. What is wrong with one device is no error of the
// call. A call that breaks off in the middle says how far it came: see [IncompleteError].
//
// # Moving devices
//
// [Services] answers the ports of package enrollment by which devices move: which devices a service has, and the profile
// that they enroll by. Apple offers no way here to clear an Activation Lock, only to set one: [Client.LockActivation].
//
// # Errors
//
// An answer that is no success is an [*Error] with Apple's own word. Definite answers match a sentinel:
// abmtoken.ErrRejected, abmtoken.ErrTermsPending, abmtoken.ErrAccessDenied, [ErrRequest], [ErrCursor], [ErrExhausted],
// [ErrNotFound]. Everything else (5xx, 429, time-outs, cut connections, [ErrThrottled], [ErrClock], [ErrAnswer],
// [ErrAddress], [ErrRedirect]) says nothing about the token: ask again later, after [Error.RetryAfter] where Apple says so.
// What Apple did not do for one device is a [*DeviceError], with [ErrNotAccessible], [ErrNotSupported] or [ErrThrottled].
// [ErrInput] and [ErrOptions] are mistakes of the caller; nothing was sent. No error holds a secret.
//
// A call that changes something and got no answer, or none that says something, matches [ErrUnknown]: Apple may have
// done it. [Outcome] puts all of this into the words of package enrollment.
//
// # What is repeated
//
// A call whose session Apple does not know is repeated once with a fresh session, also one that changes something: Apple
// refused it. Nothing else is: whoever embeds this package has a schedule already. Where Apple asks to wait (429, or 503
// with Retry-After), later calls of the client end at once with [ErrThrottled] until the time has come.
//
// # Network
//
// Requests go to one host over https, to addresses that are public when they are dialed, never through a redirect and
// never through a proxy that the environment names (see [Options.Proxy]). Each has a deadline; each answer is bounded after
// decompression, in size and depth, and no name in it may come twice. Fields that are not known are kept where they belong
// to something that the host keeps: [Device.Extra], [Profile.Extra].
//
// # What is left out
//
// POST /devices/disown is left out on purpose. It releases devices from the organization, which cannot be undone, and no
// part of renewing tokens or moving devices needs it. Account-driven enrollment and the tokens of AppleSeed for IT are
// not needed either.
//
// # Concurrency
//
// Everything is safe for concurrent use. Calls of one Client share a session; at most 32 go at the same time, and only one
// once Apple is seen to replace sessions, because a new one may end the one before.
//
// # Sources
//
// Apple Developer Documentation, Device Management: "Authenticating with a device management server", "Account Detail",
// "Fetch a list of devices", "Sync the list of devices", "Get device details", "Device", "Profile", "Define a profile",
// "Assign a profile", "Remove a profile", "Activation lock a device", "Creating and using bypass codes", "Interpreting
// Automated Device Enrollment error codes" (June 2025 and as renamed in 2026); RFC 5849 (OAuth 1.0), RFC 9110 (Retry-After).
// What only other programs have seen is marked "observed" where it is used.
package dep
