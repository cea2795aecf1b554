package apns

var Fingerprint = fingerprint
