// Package abmtoken makes the key pair for an Apple Business (or School) Manager server token, reads the .p7m file
// that Apple's portal hands out for it, and models the token inside.
//
// The package is pure: bytes in, values out. It opens no file, asks no clock and keeps no state; the one thing it
// takes from its surroundings is randomness, where it makes keys. It trusts no input: every bound is checked
// before the bytes are parsed, and the reader that meets a stranger's file is this package's own and small.
//
// A server token is what Apple's newest pages call the "service token" of a device management service. It is not
// the content token (.vpptoken) of Apps and Books; a file of that or any other sort is refused with an error that
// says what it is.
//
// # What a token proves
//
// Nothing about its origin: anybody who has the certificate can make such a file, and its encryption has no
// integrity of its own (Apple, "Examining Server Tokens"; RFC 5652, section 6). Ask Apple whose token it is with a
// [Verifier] before it is used.
//
// # Stability
//
// Tokens and key pairs written by [Token.JSON] and [KeyPair.PrivateKeyPEM] are read by every later version.
package abmtoken
