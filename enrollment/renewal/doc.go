// Package renewal holds three state machines: a [Watch] looks after one credential and reminds of its expiry; a [Renewal] is
// one attempt to replace a server token; a [PushRenewal] is one attempt to replace a push certificate.
//
// A machine is a value. Step is a pure function of (snapshot, policy, now, event); it returns the next snapshot and what
// must be written beside it. What must happen in the world stands inside the snapshot as pending effects: the host
// (or package runner) stores the snapshot first, then does the effects, then feeds their results back as events.
//
// Every pair of state and event is exactly one of three: it moves the machine, it is ignored (a duplicate or stale
// fact), or it is refused with a [*TransitionError], which happens only to what a person asked. Facts are never refused.
// The files in testdata/matrix list every pair; STATES.md draws what follows from them.
//
// # Stability
//
// Snapshots are plain JSON and hold no secret. What an older version stored, every later version reads; see
// testdata/snapshots.
package renewal
