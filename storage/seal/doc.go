// Package seal is the [storage.Sealer] that ships: each tenant's secrets are encrypted, and its snapshots signed,
// with a data key of the tenant's own, and every data key is wrapped by one master key that stays outside of the
// store.
//
// # Keys
//
// The master key lives behind a [KeyWrapper]: a [Keyring] from a file or from an environment variable's value, or
// the host's key management service, which takes three methods (see the example of KeyWrapper). Data keys (32
// random bytes) are made when a tenant first seals something, and stored, wrapped, as records of kind [Kind] in
// the very store that they protect. The empty tenant is the installation. Open data keys are held in memory for
// a while (Options.TTL) and overwritten when dropped.
//
// Losing the master key loses every secret in the store: back it up, and not beside the store's backups.
//
// # Rotation, shredding
//
// Both kinds of key rotate while everything runs, and every step can be interrupted and repeated:
//
//   - The master key: add one to the keyring ([Keyring.Rotate]), then [Sealer.RewrapAll]. No record but the data
//     keys is touched. Other processes find the new key by themselves.
//   - A data key: [Sealer.RotateDataKey], or all of them: [Sealer.RotateDataKeys]; what is new is sealed with the new key at once, what is old stays
//     readable. [Sealer.Sweep], called from time to time, seals the old records anew, page by page, and destroys an
//     old key once a whole pass has found nothing that needs it.
//
// [Sealer.Shred] destroys all data keys of a tenant: whatever is left of it, in the store or in the store's
// backups, can be read by nobody who has no older copy of the data keys' record and the master key. To close that
// door too, rotate the master key, rewrap, and [Keyring.Forget] the old one.
//
// # Format
//
// Sealed bytes are version (1) | suite (1) | data key ID (8) | info (32) | nonce (12) | ciphertext | tag (16). Each
// is encrypted with AES-256-GCM under a key of its own: HKDF-Expand-SHA256(data key, "rec/v1" | info). Header,
// tenant and place are authenticated. A signature is version | suite | data key ID | HMAC-SHA256. Bytes of any
// released version open in all later ones. Only the standard library's approved algorithms are used; the package
// works under GODEBUG=fips140=only.
//
// # What it does not do
//
// A whole row put back as it was some time ago is authentic. For secrets the generation in their reference catches
// it; for snapshots the audit chain must.
package seal
