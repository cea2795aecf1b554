// Package nanomdm sends wipes through a NanoMDM server, and tells what the server's devices say.
//
//	server, err := nanomdm.NewServer(nanomdm.Options{BaseURL: "https://mdm.example.com", APIKey: key})
//	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(server), nil)     // an enrollment.WipeDispatcher
//
//	sightings := nanomdm.NewMemorySightings(0)
//	reader := nanomdm.NewReader(sightings, nil)                        // an enrollment.DeviceReader
//	webhook, err := nanomdm.NewWebhook(nanomdm.WebhookConfig{
//		MDM: "old", Tenant: "acme", Key: hmacKey, Sightings: sightings, Server: server,
//		Deliver: func(ctx context.Context, e enrollment.DeviceEvent) error { ... },
//	})
//	http.Handle("/old", webhook)
//
// # Wipes
//
// [Dispatcher.Wipe] queues an EraseDevice with the options that lose least on the platform, under a UUID that is the same
// for every attempt. Macs get DoNotObliterate, and a PIN where one is handed over. Return to Service is asked for only
// where it exists, and never with the profile of the MDM that the device leaves. NotAfter is looked at when the first byte
// of the command is about to leave. Afterwards the outcome is one of: queued; not sent, and why; or not known, which is any
// other error.
//
// NanoMDM cannot be asked about a command, nor take one back: WipeStatus and RecallWipe say errors.ErrUnsupported. What it
// does is to refuse a second command with a UUID that it knows, and to drop what is queued for a device that enrolls
// again. A server that was told to forget commands once they are answered would take the second one; [Server.Memory] finds
// that out, and nothing is sent through such a server.
//
// # Events
//
// [Webhook] takes what NanoMDM's webhook sends (-webhook-url, -webhook-hmac-key): signed, in time, bounded. The property
// lists of the devices in it are read only after they were seen to be XML of Apple's shape, within bounds, and to agree with
// what NanoMDM says. It delivers that a device began to enroll, is enrolled, and answered a wipe; the rest becomes facts
// for a [Reader]. NanoMDM sends each event once, in no certain order, and stamps events of one moment as it
// comes: what is down meanwhile misses them, whoever takes them judges by their time, and Sightings put the stamps of an
// enrollment in order. Give the http.Server that it stands in its own time-outs.
//
// # What it is sure of
//
// Not more than the device: serial number, model and answers are its own word, told under the identity that NanoMDM
// checked. Whether a device belongs to the organization, and where it is assigned, is Apple's to say.
//
// # Sources
//
// NanoMDM v0.9.0: docs/openapi.yaml, docs/operations-guide.md, and its source where these are silent, named where it is
// used. Apple Developer Documentation, Device Management, 2025 and 2026: "EraseDevice", "Authenticate", "TokenUpdate",
// "CheckOut", "DeviceInformation", "Creating and using bypass codes".
//
// Everything is safe for concurrent use; no goroutine outlives a call.
package nanomdm
