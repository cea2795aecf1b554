// Package apns models the push certificate that every MDM service needs: without a living one no command, and no
// wipe, reaches a device.
//
// The package is pure. Today it holds what the renewal of a server token consults: the [Checker] that a host plugs
// in and the [Report] that it answers with.
package apns
