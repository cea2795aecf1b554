package migration

import (
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// BatchState is where a batch stands.
type BatchState string

// The states of a batch, each with what it waits for.
const (
	BatchLooking   BatchState = "looking"            // the new service to say which devices it has already
	BatchAwaiting  BatchState = "awaiting_post"      // a call in the hour's budget of Apple's API
	BatchPosting   BatchState = "posting"            // the call to be made; a minute at most
	BatchPolling   BatchState = "polling"            // Apple to be done with the activity
	BatchReading   BatchState = "reading"            // the new service to show the devices
	BatchByHand    BatchState = "by_hand"            // a person who assigns the devices at the portal
	BatchProfiling BatchState = "assigning_profiles" // Apple to take the enrollment profile for the devices
	BatchChecking  BatchState = "checking_profiles"  // the new service to show the profile
	BatchDone      BatchState = "done"               // nothing: each device got an answer
	BatchCancelled BatchState = "cancelled"          // nothing: its plan was given up
)

var (
	liveBatches    = []BatchState{BatchLooking, BatchAwaiting, BatchPosting, BatchPolling, BatchReading, BatchByHand, BatchProfiling, BatchChecking}
	restingBatches = []BatchState{BatchDone, BatchCancelled}
)

// BatchStates returns every state of a batch, the live ones first.
func BatchStates() []BatchState { return slices.Concat(liveBatches, restingBatches) }

// Live reports whether the batch is still under way.
func (s BatchState) Live() bool { return slices.Contains(liveBatches, s) }

// BatchStage is how far one device of a batch has come.
type BatchStage string

// The stages of a device.
const (
	StageMissing BatchStage = "missing" // the new service does not show it; of a cancellation: it is still to migrate
	StageSeen    BatchStage = "seen"    // the new service shows it, and it has to get its profile
	StageGiven   BatchStage = "given"   // its profile was assigned, and has to be read back
	StageDone    BatchStage = "done"
	StageRefused BatchStage = "refused"
)

// Batch makes the calls that Apple takes for many devices at once: it has at most [enrollment.MaxBatch] assigned to their new
// service, believes nothing but what that service shows, and has the enrollment profile assigned. The zero Batch is not
// valid; see [StartBatch].
type Batch struct {
	ID        string                    `json:"id"`
	Tenant    enrollment.TenantID       `json:"tenant"`
	Plan      enrollment.PlanID         `json:"plan"`
	Kind      enrollment.AssignmentKind `json:"kind"` // AssignDevices, MigrateDevices or CancelMigration
	State     BatchState                `json:"state"`
	Revision  int64                     `json:"revision"` // counts moves
	Seq       int                       `json:"seq"`      // counts effects
	CreatedAt time.Time                 `json:"created_at"`
	EndedAt   time.Time                 `json:"ended_at,omitzero"`

	Route    Route     `json:"route"`
	Deadline time.Time `json:"deadline,omitzero"` // of MigrateDevices
	Manual   bool      `json:"manual,omitempty"`  // there is no API account: a person assigns the devices at the portal

	Devices  []BatchDevice `json:"devices"`
	Activity string        `json:"activity,omitempty"` // Apple's ID of the present one
	Posts    int           `json:"posts,omitempty"`    // assignments that were asked for
	Undoing  bool          `json:"undoing,omitempty"`  // the present call takes the devices from their old service first
	Undone   bool          `json:"undone,omitempty"`   // that was done
	Tries    int           `json:"tries,omitempty"`    // looks by which a profile was gone again
	PostedAt time.Time     `json:"posted_at,omitzero"`
	DoubtTo  time.Time     `json:"doubt_to,omitzero"` // until when a call of which nothing is known may be carried out yet
	Held     bool          `json:"held,omitempty"`    // its plan begins nothing new

	DueAt    time.Time      `json:"due_at,omitzero"`   // when it stops waiting for what its state waits for
	LapseAt  time.Time      `json:"lapse_at,omitzero"` // when it ends with what it has
	RemindAt time.Time      `json:"remind_at,omitzero"`
	Notified bool           `json:"notified,omitempty"` // a thread was opened that wants to be cleared
	Pending  outbox.Effects `json:"pending,omitempty"`
}

// BatchDevice is one device of a batch.
type BatchDevice struct {
	Serial string     `json:"serial"`
	Stage  BatchStage `json:"stage"`
}

// Live reports whether the batch is still under way.
func (b Batch) Live() bool { return b.State.Live() }

// Serials returns the serial numbers of the devices that an effect is about; of AskActivity none.
func (b Batch) Serials(x enrollment.Effect) []string {
	switch x.Kind {
	case enrollment.PostAssignment:
		return b.of(StageMissing)
	case enrollment.AssignProfiles:
		return b.of(StageSeen)
	case enrollment.LookUp:
		return b.of(StageMissing, StageSeen, StageGiven)
	}
	return nil
}

func (b Batch) of(stages ...BatchStage) []string {
	var serials []string
	for _, d := range b.Devices {
		if slices.Contains(stages, d.Stage) {
			serials = append(serials, d.Serial)
		}
	}
	return serials
}

// Count returns how many devices have come so far.
func (b Batch) Count(stage BatchStage) int {
	n := 0
	for _, d := range b.Devices {
		if d.Stage == stage {
			n++
		}
	}
	return n
}

// Assignment returns the call that a PostAssignment is for; from and to are the services of the route.
func (b Batch) Assignment(x enrollment.Effect, from, to enrollment.Service) enrollment.AssignmentRequest {
	r := enrollment.AssignmentRequest{Effect: x.ID, Kind: b.Kind, Service: to, Serials: b.Serials(x), Deadline: b.Deadline}
	if b.Undoing {
		r.Kind, r.Service, r.Deadline = enrollment.UnassignDevices, from, time.Time{}
	}
	return r
}

// CSV returns the serial numbers that a person assigns at the portal, one in a line under a heading. The portal takes it as a
// file, or the lines by copy and paste.
func (b Batch) CSV() string {
	return "serial\n" + strings.Join(append(b.of(StageMissing), ""), "\n")
}

// Waiting says why the batch does not go on.
func (b Batch) Waiting() Waiting {
	switch {
	case !b.Live():
		return Waiting{}
	case b.State == BatchByHand:
		return Waiting{Why: WaitsPortal}
	case b.State == BatchAwaiting && b.Held:
		return Waiting{Why: WaitsPause}
	case b.State == BatchAwaiting:
		return Waiting{Why: WaitsPosts, Until: b.Pending.Wake()}
	}
	return Waiting{Why: WaitsApple}
}

// Wake returns when the batch has something to do next; zero: never. A live batch always has.
func (b Batch) Wake() time.Time {
	if !b.Live() {
		return b.owed().Wake()
	}
	return outbox.Earliest(b.DueAt, b.LapseAt, b.RemindAt, b.owed().Wake())
}

// Due returns the pending effects that may be tried now, oldest first. A call about assignments is never among them: it is made
// by whoever was granted it, and by nobody else; see [BatchTransition].
func (b Batch) Due(now time.Time) []enrollment.Effect { return b.owed().Due(now) }

// owed are the effects that the state may owe, whatever was stored.
func (b Batch) owed() outbox.Effects {
	return b.Pending.OwedBy(b.Live()).WithoutKind(enrollment.PostAssignment)
}

// Allowed returns what this actor may ask of the batch now, for the buttons of a user interface.
func (b Batch) Allowed(p enrollment.Policy, now time.Time, by enrollment.Actor) []EventName {
	ev := BatchRechecked{By: by}
	if given, err := b.Step(p, now, ev); err != nil || !given.Moved {
		return nil
	}
	return []EventName{ev.Name()}
}
