package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeOrganization is an assigner and the organization behind it, sound but for its quirk.
type fakeOrganization struct {
	quirk quirk

	mu         sync.Mutex
	at         map[string]enrollment.ServerID
	activities map[string]*begun
}

// begun is an activity; asks counts how often it was settled.
type begun struct {
	request enrollment.AssignmentRequest
	state   enrollment.ActivityState
	refused []enrollment.DeviceResult
}

func (f *fakeOrganization) Assign(ctx context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.Activity{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Kind {
	case enrollment.AssignDevices:
	case enrollment.UnassignDevices:
		if f.quirk == "cannot unassign and says so" {
			return enrollment.Activity{}, errors.ErrUnsupported
		}
	default:
		if f.quirk != "assigns whatever the kind" {
			return enrollment.Activity{}, errors.ErrUnsupported
		}
	}
	id := fmt.Sprint("a", len(f.activities))
	b := &begun{request: r, state: enrollment.ActivityRunning}
	f.activities[id] = b
	if f.quirk == "says done before it is" {
		return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
	}
	if f.quirk == "names no activity" {
		id = ""
	}
	return enrollment.Activity{ID: id, State: b.state}, nil
}

func (f *fakeOrganization) ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil, f.quirk == "does not look at its context":
		return nil
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	}
	return &enrollment.CallError{Outcome: enrollment.Retry, Err: ctx.Err()}
}

// settle carries out what was begun.
func (f *fakeOrganization) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.activities {
		if b.state != enrollment.ActivityRunning || f.quirk == "never ends" {
			continue
		}
		b.state = enrollment.ActivityCompleted
		serials := b.request.Serials
		switch f.quirk {
		case "does the first device only":
			serials = serials[:1]
		case "moves devices that nobody named":
			serials = []string{"S1", "S2", "S3"}
		case "ends as failed":
			b.state = enrollment.ActivityFailed
		case "completes and does nothing":
			serials = nil
		}
		for _, serial := range serials {
			if _, known := f.at[serial]; !known {
				outcome := enrollment.Fatal
				if f.quirk == "calls a device ok that nobody has" {
					outcome = enrollment.OK
				}
				b.refused = append(b.refused, enrollment.DeviceResult{Serial: serial, Outcome: outcome})
				if f.quirk == "completes without a word, as Apple does" {
					b.refused = nil
				}
				continue
			}
			f.at[serial] = b.request.Service.Server
			if b.request.Kind == enrollment.UnassignDevices && f.quirk != "assigns instead of unassigning" {
				f.at[serial] = ""
			}
			if f.quirk == "calls refused what it did" {
				b.refused = append(b.refused, enrollment.DeviceResult{Serial: serial, Outcome: enrollment.Fatal})
			}
		}
	}
}

func (f *fakeOrganization) Activity(ctx context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.Activity{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b, known := f.activities[id]
	switch {
	case !known && f.quirk == "makes up activities":
		return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
	case !known, f.quirk == "forgets activities":
		return enrollment.Activity{}, enrollment.ErrNoActivity
	case f.quirk == "answers with another activity":
		id += "x"
	}
	return enrollment.Activity{ID: id, State: b.state, Refused: slices.Clone(b.refused)}, nil
}

func assignerRig(_ testing.TB, q quirk) AssignerRig {
	f := &fakeOrganization{quirk: q, activities: map[string]*begun{}, at: map[string]enrollment.ServerID{"S1": "from", "S2": "from", "S3": "from"}}
	return AssignerRig{
		Assigner: f, From: enrollment.Service{Tenant: "acme", Server: "from"}, To: enrollment.Service{Tenant: "acme", Server: "to"},
		Serials: []string{"S1", "S2", "S3"}, Unknown: "S9", Settle: f.settle,
		AssignedTo: func(serial string) enrollment.ServerID { f.mu.Lock(); defer f.mu.Unlock(); return f.at[serial] },
	}
}

func TestAssignersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, assignerCases, assignerRig, map[string][]quirk{
		"devices arrive, and no others": {
			"moves devices that nobody named", "completes and does nothing", "never ends", "ends as failed", "forgets activities",
			"answers with another activity", "names no activity",
		},
		"done is not said before it is":               {"says done before it is", "does the first device only", "never ends", "forgets activities"},
		"a device that nobody has is not called done": {"calls a device ok that nobody has", "calls refused what it did"},
		"devices leave":                               {"assigns instead of unassigning", "completes and does nothing"},
		"a kind that it cannot do is not done as another": {
			"assigns whatever the kind",
		},
		"an activity that never was is not made up": {"makes up activities"},
		"a context that has ended moves nothing that is called unmoved": {
			"panics with a context that has ended", "does not look at its context",
		},
	})
}

func TestAssignersThatSayWhatTheyLackPass(t *testing.T) {
	for _, q := range []quirk{"", "cannot unassign and says so", "completes without a word, as Apple does"} {
		t.Run(string(q), func(t *testing.T) {
			RunAssigner(t, func(t testing.TB) AssignerRig { return assignerRig(t, q) })
		})
	}
}
