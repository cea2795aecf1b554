// Package bolt keeps records in one file, for hosts that run as one process: the embedded default.
//
// What it guarantees:
//   - A commit that returned nil is on the disk (fdatasync) and survives kill -9 and loss of power; a commit that
//     was cut off happened whole or not at all.
//   - Due records, pages and counts are found through indexes, at a cost that hardly grows with the number of records.
//     A claim writes its leases beside the records, in a few pages.
//   - The file belongs to one process at a time, by a lock that ends with the process. Others wait for a bounded
//     time and then get [storage.ErrLocked]. [Open] holds the file until Close; [Shared] holds it for each call only,
//     so that a command line tool and a worker can take turns.
//   - The file is made with mode 0600, and one that other users can read is refused.
//   - A file that was cut short or changed is refused with [storage.ErrDamaged] before anything trusts it: the
//     structure of the whole file is checked when it is opened, and each record carries a checksum.
//   - On a full disk nothing is changed and the error is [storage.ErrFull].
//
// What it does not do: network file systems (their locks and syncs keep no such promise), several machines, and
// secrecy. Whoever can read the file reads the records; secrets are sealed above, by package seal.
//
// The file is that of go.etcd.io/bbolt. To back it up while it is open, copy it with that project's tools or stop
// the process; a plain copy of an open file may be torn.
package bolt
