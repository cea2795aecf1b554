// Package appletest is a fake Apple for tests, demonstrations and examples: the portal on which an administrator
// uploads a certificate and downloads a server token, the device assignment web service that judges it, and the Apple
// Business and School Manager API, by which devices move between the services of one organization.
//
//	apple := appletest.New(appletest.Options{})
//	org := apple.AddOrganization("Acme Inc.")
//	admin := org.AddAdmin("it@acme.example")
//	service, err := admin.CreateService("Acme MDM", certificate)
//	file, name, err := admin.DownloadToken(service)     // a .p7m as Apple makes them
//	client := &http.Client{Transport: apple.Transport()} // https://mdmenrollment.apple.com, without a network
//
// The fake does what Apple documents and what independent programs have seen. Where Apple's behaviour is not known,
// nothing is guessed: the field of [Behavior] that chooses says so. It is written apart from every client, so it can
// show that a client is wrong.
//
// # Network
//
// [Apple.Transport] serves requests in the same process, over pipes: no port, no certificate, and it works inside a
// testing/synctest bubble, where loopback sockets hang. [Apple.Handler] is for a real listener.
//
// # Time
//
// The fake reads [Options.Now] and waits with [Options.After]. Their defaults are the time package's functions, which
// inside a synctest bubble are the bubble's.
//
// # Concurrency
//
// Everything is safe for concurrent use; behaviour and faults may change while requests run.
//
// # Sources
//
// Apple Developer Documentation, Device Management: "Authenticating with a device management server", "Examining
// server tokens", "Account detail", "Fetch a list of devices", "Sync the list of devices", "Define a profile",
// "Assign a profile", "Interpreting error codes" (June 2025, and as renamed in 2026); Apple Business User Guide,
// "Link to a third-party device management service" (2026); Apple
// Business API 1.1 to 2.4 (July 2025 to August 2026). What only other programs have seen is marked
// "observed" where it is used.
package appletest
