package enrollment

import (
	"hash/fnv"
	"strconv"
	"time"
)

// EffectID names one thing that a machine wants done. It is made of the machine's ID, a counter and the kind, so it is
// the same after a crash and on every machine: the idempotency key.
type EffectID string

// EffectKind says what is to be done.
type EffectKind string

// The kinds of effects.
const (
	CheckPush   EffectKind = "check_push"    // ask the apns.Checker
	MakeKey     EffectKind = "make_key"      // make a key pair and its certificate, store the key sealed
	VerifyToken EffectKind = "verify_token"  // ask Apple whose token the candidate is
	ProbeToken  EffectKind = "probe_token"   // ask Apple whether the active token lives
	MakePushKey EffectKind = "make_push_key" // make the key pair of a push certificate's request, store the key sealed
	ProbePush   EffectKind = "probe_push"    // ask Apple's push service whether it accepts a push certificate
	SendNotice  EffectKind = "send_notice"   // hand a Notice to the Notifier

	PublishCertificate EffectKind = "publish_certificate" // have the CertificatePublisher save a certificate, on a person's command

	ConfirmDevice EffectKind = "confirm_device" // read a device back from its new service and from the MDM that manages it
	MakePIN       EffectKind = "make_pin"       // make the PIN of a wipe, store it sealed
	SendWipe      EffectKind = "send_wipe"      // hand a wipe to the WipeDispatcher, before its NotAfter and never later
	AskWipe       EffectKind = "ask_wipe"       // ask the WipeDispatcher where a wipe stands
	RecallWipe    EffectKind = "recall_wipe"    // withdraw a wipe that may have left
	ClearLock     EffectKind = "clear_lock"     // have the LockClearer clear a device's Activation Lock

	CountMoves   EffectKind = "count_moves"   // count the moves of a plan, or look at those of a wave
	MakeBatches  EffectKind = "make_batches"  // put the moves of a plan that are ready for it into batches
	TellMoves    EffectKind = "tell_moves"    // tell a word to everything that belongs to a plan
	CallTurns    EffectKind = "call_turns"    // call devices into a wave
	ReleaseWipes EffectKind = "release_wipes" // release the wipes of a wave that are ready, as far as budgets reach

	LookUp         EffectKind = "look_up"         // look for devices of a batch, or of a plan, at their new service
	SpendPost      EffectKind = "spend_post"      // take one call from the hour's budget of Apple's API
	PostAssignment EffectKind = "post_assignment" // ask the Assigner, within migration.PostWithin and never later
	AskActivity    EffectKind = "ask_activity"    // ask the Assigner how far an activity is
	AssignProfiles EffectKind = "assign_profiles" // have the ProfileAssigner assign a profile to devices of a batch
)

// Effect is something that must happen outside of a machine: what, never how. It stands inside the snapshot of its
// machine until its [Result] is known. Its arguments are never secret.
type Effect struct {
	ID        EffectID   `json:"id"`
	Kind      EffectKind `json:"kind"`
	Attempt   int        `json:"attempt"` // 1 for the first
	NotBefore time.Time  `json:"not_before,omitzero"`
	Secret    string     `json:"secret,omitempty"` // the ID of the secret record that it is about
	Notice    *Notice    `json:"notice,omitempty"`
	Wipe      *Wipe      `json:"wipe,omitempty"` // of SendWipe, AskWipe and RecallWipe
	Word      string     `json:"word,omitempty"` // of TellMoves
}

// NewEffectID returns the ID of the n-th effect of a machine.
func NewEffectID(machine string, n int, kind EffectKind) EffectID {
	return EffectID(machine + "/" + strconv.Itoa(n) + "/" + string(kind))
}

// Due reports whether the effect may be tried now.
func (e Effect) Due(now time.Time) bool { return !now.Before(e.NotBefore) }

// Again returns the effect for its next attempt: after a delay that doubles from base to most, spread by a quarter so
// that a thousand machines do not come back in one second, and not before the world asked for it, up to a day.
func (e Effect) Again(now time.Time, after, base, most time.Duration) Effect {
	wait := Backoff(e.Attempt, base, most)
	wait += Spread(string(e.ID)+"#"+strconv.Itoa(e.Attempt), wait/4)
	wait = max(wait, min(after, 24*time.Hour))
	e.Attempt++
	e.NotBefore = now.Add(wait.Truncate(time.Microsecond))
	return e
}

// Backoff returns how long to wait after the n-th failure in a row: base, then twice as long each time, never over most.
func Backoff(n int, base, most time.Duration) time.Duration {
	wait := base
	for i := 1; i < n && wait > 0 && wait < most; i++ {
		if wait > most/2 {
			return most
		}
		wait *= 2
	}
	return min(wait, most)
}

// Spread returns a duration of whole microseconds in [0, width) that depends on nothing but the seed.
func Spread(seed string, width time.Duration) time.Duration {
	if width <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed))
	return time.Duration(h.Sum64() % uint64(width)).Truncate(time.Microsecond)
}

// Outcome is how the attempt of an effect ended.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Retry   Outcome = "retry"   // did not happen; worth another attempt
	Fatal   Outcome = "fatal"   // did not happen and will not
	Unknown Outcome = "unknown" // a request was sent and no answer came: it may have happened
)

// Result tells a machine how an effect ended. A result that names no pending effect is ignored.
type Result struct {
	Effect     EffectID      `json:"effect"`
	Outcome    Outcome       `json:"outcome"`
	RetryAfter time.Duration `json:"retry_after,omitempty"` // what the world asked for; zero: nothing
	Problem    *Problem      `json:"problem,omitempty"`     // why it is not OK
}
