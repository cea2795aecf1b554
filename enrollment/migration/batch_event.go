package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// BatchEvent is something that a [Batch] takes notice of.
type BatchEvent interface {
	Name() EventName
	batch()
}

// Looked is the result of looking for the batch's devices at the new service.
type Looked struct {
	enrollment.Result
	Seen []enrollment.AssignedDevice
}

// PostSpent is the result of taking a call from the hour's budget, which is stored in the same write; the step grants the
// call. Retry, with the time
// after which there is one again: it is spent.
type PostSpent struct{ enrollment.Result }

// Posted is the result of a call of the Assigner; see [enrollment.Sent].
type Posted struct {
	enrollment.Result
	Activity enrollment.Activity
	Reason   string // Apple's own word for a refusal
}

// ActivityAsked is the result of asking about the activity. Fatal: Apple has forgotten it.
type ActivityAsked struct {
	enrollment.Result
	Activity enrollment.Activity
}

// ProfilesAssigned is the result of having the profile assigned.
type ProfilesAssigned struct {
	enrollment.Result
	Devices []enrollment.DeviceResult
	Reason  string // Apple's own word for a refusal of them all
}

// BatchHeld says that the plan begins nothing new.
type BatchHeld struct{}

// BatchResumed says that it goes on.
type BatchResumed struct{}

// BatchClosed says that the plan is given up. A batch that cancels migrations goes on.
type BatchClosed struct{}

// BatchRechecked is a person's wish to have the service looked at now, because they have done their part at the portal.
type BatchRechecked struct{ By enrollment.Actor }

// BatchNotified is the result of a notice.
type BatchNotified struct{ enrollment.Result }

// BatchTicked says that time has passed.
type BatchTicked struct{}

// News is what one of the batch's devices learns by a step.
type News struct {
	Serial string
	Event  MoveEvent
}

// PostWithin is how long after it was granted a call may be made.
const PostWithin = time.Minute

// The names of a batch's events, beside [EventNotified] and [EventTick].
const (
	EventLooked           EventName = "looked"
	EventPostSpent        EventName = "post_spent"
	EventPosted           EventName = "posted"
	EventActivityAsked    EventName = "activity_asked"
	EventProfilesAssigned EventName = "profiles_assigned"
	EventBatchHeld        EventName = "batch_held"
	EventBatchResumed     EventName = "batch_resumed"
	EventBatchClosed      EventName = "batch_closed"
	EventBatchRechecked   EventName = "recheck"
)

// Name implements [BatchEvent].
func (Looked) Name() EventName { return EventLooked }

// Name implements [BatchEvent].
func (PostSpent) Name() EventName { return EventPostSpent }

// Name implements [BatchEvent].
func (Posted) Name() EventName { return EventPosted }

// Name implements [BatchEvent].
func (ActivityAsked) Name() EventName { return EventActivityAsked }

// Name implements [BatchEvent].
func (ProfilesAssigned) Name() EventName { return EventProfilesAssigned }

// Name implements [BatchEvent].
func (BatchHeld) Name() EventName { return EventBatchHeld }

// Name implements [BatchEvent].
func (BatchResumed) Name() EventName { return EventBatchResumed }

// Name implements [BatchEvent].
func (BatchClosed) Name() EventName { return EventBatchClosed }

// Name implements [BatchEvent].
func (BatchRechecked) Name() EventName { return EventBatchRechecked }

// Name implements [BatchEvent].
func (BatchNotified) Name() EventName { return EventNotified }

// Name implements [BatchEvent].
func (BatchTicked) Name() EventName { return EventTick }

func (Looked) batch()           {}
func (PostSpent) batch()        {}
func (Posted) batch()           {}
func (ActivityAsked) batch()    {}
func (ProfilesAssigned) batch() {}
func (BatchHeld) batch()        {}
func (BatchResumed) batch()     {}
func (BatchClosed) batch()      {}
func (BatchRechecked) batch()   {}
func (BatchNotified) batch()    {}
func (BatchTicked) batch()      {}
