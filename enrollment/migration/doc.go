// Package migration moves devices from one device management service to another: [Decide] chooses for each device the way
// that does it least harm, and a [Move] takes one device along that way. Nothing is erased where anything gentler will do.
// A [Plan] moves many: other persons approve it by the [Digest] of its list, a [Batch] makes the calls that Apple takes for
// a thousand devices at once, and a [Wave] lets a few devices go first.
//
// A machine is a value. Step is a pure function of (snapshot, policy, now, event); it returns the next snapshot and what
// must be written beside it. What must happen in the world stands inside the snapshot as pending effects: the host
// (or package runner) stores the snapshot first, then does the effects, then feeds their results back as events.
//
// Every pair of state and event is exactly one of three: it moves the machine, it is ignored (a duplicate or stale
// fact), or it is refused with a [*TransitionError], which happens only to what a person asked. Facts are never refused.
// The files in testdata/matrix list every pair; STATES.md draws what follows from them.
//
// # Wipes
//
// No wipe leaves before the new service itself has confirmed the device and its enrollment profile, and none without a
// [WipeReleased], which is made only where approval, budget and kill switch are held in the same write. A wipe is sent once:
// where it is not known whether it left, the MDM is asked, or it is sent again with the same command UUID through an MDM
// that refuses repeats, or facts are waited for. It is void as soon as the device begins to enroll again.
//
// [Release.Of] is the only place where it is decided that a wipe leaves. It takes everything that the decision depends on: the
// rules of tenant and installation, which have wipes off until others approve a [Proposal], both kill switches ([Switch]), the
// plan's [Gate], and a [Ledger] with the [Budget] of each. The write that stores a release holds them all.
//
// # Stability
//
// Snapshots are plain JSON and hold no secret. What an older version stored, every later version reads; see
// testdata/snapshots.
package migration
