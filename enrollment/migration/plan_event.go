package migration

import (
	"github.com/abmrenew/abmrenew/enrollment"
)

// PlanEvent is something that a [Plan] takes notice of; beside those below also [CancelRequested]. What its moves, batches
// and waves do is told by the results of the plan's own effects.
type PlanEvent interface {
	Name() EventName
	plan()
}

// DevicesListed says that the plan's list of devices was made, or made anew: sorted, decided, and stored as moves. Digest is
// that of [Plan.Content], made by By.
type DevicesListed struct {
	By      enrollment.Actor
	Digest  string
	Listing Listing
	Refused int // rows that were no devices
}

// SubmitRequested is a person's wish to have the plan approved, or begun where nobody has to approve it. A plan of which the
// approval has ended is submitted again for what is left.
type SubmitRequested struct {
	By     enrollment.Actor
	Target Target
	Lately int // wipes of other plans, by the tenant's [Ledger.Lately]
}

// ApproveRequested is a person's approval of what they saw, which has this digest. Where the host has an
// [enrollment.ApprovalVerifier], it has verified the signature.
type ApproveRequested struct {
	By        enrollment.Actor
	Digest    string
	Signature []byte
	Lately    int // of a plan only: wipes of other plans, by the tenant's [Ledger.Lately]
}

// RejectRequested is a person's word against a plan or proposal that waits for approval.
type RejectRequested struct {
	By     enrollment.Actor
	Reason string
}

// StartRequested is a person's wish to begin now. The cooling period is not shortened by it.
type StartRequested struct{ By enrollment.Actor }

// PauseRequested is a person's wish that nothing new begins. No wipe is released from then on; what has left goes its way.
type PauseRequested struct {
	By     enrollment.Actor
	Reason string
}

// ResumeRequested is a person's wish to go on.
type ResumeRequested struct {
	By     enrollment.Actor
	Target Target
}

// DeviceExcluded is a person's wish to leave a device of the plan alone; its move is skipped in the same write. A plan only
// shrinks by it, so that its approval stays.
type DeviceExcluded struct {
	By       enrollment.Actor
	Serial   string
	Strategy Strategy // of its move
}

// DeviceRetried is a person's wish to begin with a device again; its move is retried in the same write.
type DeviceRetried struct {
	By     enrollment.Actor
	Serial string
}

// PushLost says that the push certificate of the present MDM does not work, so that no wipe would reach a device.
type PushLost struct{}

// PushRestored says that it works again. Wipes that waited for their turn are confirmed anew.
type PushRestored struct{}

// ServiceGone says that the new service is gone at Apple.
type ServiceGone struct{}

// ProfileGone says that the new service does not have the enrollment profile of the plan, so that devices would come back from
// an erase without management.
type ProfileGone struct{}

// SwitchSet says that a kill switch which holds for the plan was thrown, or that none is thrown any more.
type SwitchSet struct{ Thrown bool }

// Counted is the result of counting the moves of the plan.
type Counted struct {
	enrollment.Result
	Tally Tally
}

// BatchesMade is the result of putting moves into batches.
type BatchesMade struct {
	enrollment.Result
	More bool // there are more that could be
}

// Looking is the result of looking at the new service, and at the new MDM, for devices that are to come back: their moves were
// told what was seen there before. It spares nobody the facts, which are sooner; but no plan hangs on a message that was lost.
type Looking struct {
	enrollment.Result
	Away int    // devices that were looked for
	Next string // from where to go on at once; empty: all were looked at
}

// DeviceRevived says that a fact has brought a device of the plan on its way again that had come to rest: after the plan has ended
// nobody else looks for it.
type DeviceRevived struct{}

// BatchEnded says that a batch of the plan came to its end, so that there is room for another one.
type BatchEnded struct{}

// MovesTold is the result of telling a word to everything that belongs to the plan.
type MovesTold struct{ enrollment.Result }

// WaveEnded says that a wave of the plan came to its end.
type WaveEnded struct {
	Wave   string
	Track  Track
	State  WaveState
	Size   int // devices that it had
	Failed int
}

// PlanNotified is the result of a notice.
type PlanNotified struct{ enrollment.Result }

// PlanTicked says that time has passed.
type PlanTicked struct{}

// The names of a plan's events, beside [EventCancel] and [EventTick].
const (
	EventListed       EventName = "devices_listed"
	EventSubmit       EventName = "submit"
	EventApprove      EventName = "approve"
	EventReject       EventName = "reject"
	EventStart        EventName = "start"
	EventPause        EventName = "pause"
	EventResume       EventName = "resume"
	EventExcluded     EventName = "exclude"
	EventRetried      EventName = "retry_device"
	EventPushLost     EventName = "push_lost"
	EventPushRestored EventName = "push_restored"
	EventServiceGone  EventName = "service_gone"
	EventProfileGone  EventName = "profile_gone"
	EventSwitchSet    EventName = "switch_set"
	EventCounted      EventName = "counted"
	EventBatchesMade  EventName = "batches_made"
	EventLooking      EventName = "looking"
	EventRevived      EventName = "device_revived"
	EventBatchEnded   EventName = "batch_ended"
	EventMovesTold    EventName = "moves_told"
	EventWaveEnded    EventName = "wave_ended"
	EventNotified     EventName = "notified"
)
