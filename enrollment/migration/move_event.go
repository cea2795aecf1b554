package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// EventName names an event of a machine, as it stands in matrices, histories, refusals and user interfaces.
type EventName string

// MoveEvent is something that a [Move] takes notice of. Those that come from its batch, wave and plan are at the top, then the
// results of its own effects, what happened to the device, and what people ask.
type MoveEvent interface {
	Name() EventName
	move()
}

// AssignStarted says that a batch has taken the device along: its assignment is asked for by the same write at the latest.
type AssignStarted struct {
	Batch    string
	Deadline time.Time // of a migration, at most [enrollment.MaxDeadline] ahead
}

// AssignResult is what became of the device in its batch's call. OK and Unknown only lead to looking for it at the new
// service, where alone it counts. With Retry nothing was done, and the device waits for another batch.
type AssignResult struct {
	Batch   string
	Outcome enrollment.Outcome
	Reason  string // Apple's own word
}

// ReadBack is the device as its new service shows it, whoever asked and why.
type ReadBack struct{ Seen enrollment.AssignedDevice }

// ProfileResult is what became of the device in a call that assigns its enrollment profile.
type ProfileResult struct {
	Outcome enrollment.Outcome
	Reason  string
}

// DeadlineCancelled is what became of the device in a call that cancels migrations.
type DeadlineCancelled struct {
	Outcome enrollment.Outcome
	Reason  string
}

// TurnCalled says that the device's wave has come: it is confirmed, so that it is ready when its wipe is to be released.
type TurnCalled struct{ Wave int }

// TurnEnded says that it is not the device's turn any more: its plan pauses, its wave takes another device, or what was
// confirmed may have changed.
type TurnEnded struct{}

// WipeReleased releases the device's wipe. It is made only in the write that holds plan, policy and kill switch, and spends
// the budget; a move that is not [Move.Ready] ignores it, and nothing is to be spent then.
type WipeReleased struct {
	Approval string    // whose wipe this is; by one approval a device is wiped once at most
	SendBy   time.Time // at most [SendWithin] ahead
}

// SendWithin is how long after its release a wipe may leave.
const SendWithin = 30 * time.Second

// GateClosed says that nothing may be wiped now: the kill switch was thrown, or the plan lost its approval. What has left
// is recalled.
type GateClosed struct{}

// DeviceConfirmed is the result of reading the device back from its new service and from the MDM that manages it, which were
// both asked after the effect had become due. With Fatal, the MDM does not know the device.
type DeviceConfirmed struct {
	enrollment.Result
	Seen  enrollment.AssignedDevice
	Facts enrollment.DeviceFacts
	Lock  enrollment.ActivationLock
	Can   enrollment.WipeAbilities
}

// PINMade is the result of making a PIN. With outcome OK it is in the store, sealed, in the same write.
type PINMade struct {
	enrollment.Result
	Secret string
}

// WipeSent is the result of handing the wipe to its dispatcher; see [enrollment.Sent]. Retry says that nothing was sent.
type WipeSent struct {
	enrollment.Result
	Status enrollment.WipeStatus
}

// WipeAsked is the result of asking the dispatcher where the wipe stands. Fatal: it cannot tell.
type WipeAsked struct {
	enrollment.Result
	Status enrollment.WipeStatus
}

// WipeRecalled is the result of withdrawing the wipe. Fatal: it cannot be done, or is too late.
type WipeRecalled struct{ enrollment.Result }

// LockCleared is the result of clearing the Activation Lock. Fatal: a person has to.
type LockCleared struct{ enrollment.Result }

// Observed is something that happened to the device.
type Observed struct{ enrollment.DeviceEvent }

// RetryRequested is a person's wish to begin with the device again, after it failed or came to rest otherwise. Decision is
// how it is moved by what is known now, which may not be more harmful than what was approved; zero: as before.
type RetryRequested struct {
	By       enrollment.Actor
	Decision Decision
}

// SkipRequested is a person's wish to leave the device alone.
type SkipRequested struct{ By enrollment.Actor }

// CancelRequested is a person's wish to give up: the device alone, its whole plan, or everything. A migration is cancelled at
// Apple, which gives the device back to its old service, and a wipe that has left is recalled. Otherwise the device stays
// assigned to its new service.
type CancelRequested struct{ By enrollment.Actor }

// MoveTicked says that time has passed.
type MoveTicked struct{}

// The names of a move's events, beside the kinds of [enrollment.DeviceEvent].
const (
	EventAssignStarted     EventName = "assign_started"
	EventAssignResult      EventName = "assign_result"
	EventReadBack          EventName = "read_back"
	EventProfileResult     EventName = "profile_result"
	EventDeadlineCancelled EventName = "deadline_cancelled"
	EventTurnCalled        EventName = "turn_called"
	EventTurnEnded         EventName = "turn_ended"
	EventWipeReleased      EventName = "wipe_released"
	EventGateClosed        EventName = "gate_closed"
	EventDeviceConfirmed   EventName = "device_confirmed"
	EventPINMade           EventName = "pin_made"
	EventWipeSent          EventName = "wipe_sent"
	EventWipeAsked         EventName = "wipe_asked"
	EventWipeRecalled      EventName = "wipe_recalled"
	EventLockCleared       EventName = "lock_cleared"
	EventRetry             EventName = "retry"
	EventSkip              EventName = "skip"
	EventCancel            EventName = "cancel"
	EventTick              EventName = "tick"
	eventMade              EventName = "made" // the beginning of a history
)
