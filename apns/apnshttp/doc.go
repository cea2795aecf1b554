// Package apnshttp asks Apple's push service about a push certificate, over HTTP/2 with the certificate itself.
//
// A [Client] keeps one connection per certificate and reuses it; a renewed certificate is another one, so it is used from
// the next call on, without a restart. [Client.Handshake] signs in and asks nothing more, [Client.Probe] also sends a push
// to a device token that does not exist, and [Client.Push] one to a device.
//
// [Prober] is an [apns.Prober]: it puts the answers into words. [Checker] is an [apns.Checker]: it inspects a tenant's
// certificate and, if that is worth it, asks Apple.
//
// Apple's push service accepts certificates only, no tokens, for MDM (Apple, Device Management documentation, June 2025).
// What it accepts it need not have delivered. Everything here may be used from many goroutines at once.
package apnshttp
