package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// AssignerRig is an assigner with an organization behind it.
type AssignerRig struct {
	Assigner enrollment.Assigner
	From, To enrollment.Service
	// Serials are at least two devices of From; Unknown is one that the organization does not have.
	Serials []string
	Unknown string
	// AssignedTo is the truth: the server of the service that has a device; empty: none.
	AssignedTo func(serial string) enrollment.ServerID
	// Settle lets what was begun come to its end, by Apple or by a person.
	Settle func()
}

// RunAssigner runs every case.
func RunAssigner(t *testing.T, newRig func(t testing.TB) AssignerRig) {
	t.Helper()
	run(t, newRig, assignerCases)
}

// ended asks for an activity until it has ended.
func (r AssignerRig) ended(ctx context.Context, a enrollment.Activity) (enrollment.Activity, error) {
	for range 100 {
		if a.State.Ended() {
			return a, nil
		}
		if a.ID == "" {
			return a, errors.New("an activity that goes on has no ID to ask for")
		}
		r.Settle()
		next, err := r.Assigner.Activity(ctx, r.To.Tenant, a.ID)
		if err != nil {
			return a, fmt.Errorf("an activity that was begun could not be asked for: %w", err)
		}
		if next.ID != a.ID {
			return a, fmt.Errorf("activity %q is answered with %q", a.ID, next.ID)
		}
		a = next
	}
	return a, errors.New("an activity does not end, however often it is asked for")
}

func (r AssignerRig) assign(ctx context.Context, kind enrollment.AssignmentKind, to enrollment.Service, serials ...string) (enrollment.Activity, error) {
	a, err := r.Assigner.Assign(ctx, enrollment.AssignmentRequest{Effect: "bat_1/1/assign", Kind: kind, Service: to, Serials: serials})
	if err != nil {
		return a, fmt.Errorf("%s of %d devices was not begun: %w", kind, len(serials), err)
	}
	return r.ended(ctx, a)
}

// has compares where a device is with where it should be.
func (r AssignerRig) has(want enrollment.ServerID, serials ...string) error {
	for _, serial := range serials {
		if got := r.AssignedTo(serial); got != want {
			return fmt.Errorf("device %s is at %q instead of %q", serial, got, want)
		}
	}
	return nil
}

var assignerCases = []testCase[AssignerRig]{
	{"devices arrive, and no others", func(ctx context.Context, r AssignerRig) error {
		a, err := r.assign(ctx, enrollment.AssignDevices, r.To, r.Serials[0])
		if err != nil {
			return err
		}
		if a.State != enrollment.ActivityCompleted {
			return fmt.Errorf("what could be done ended as %q", a.State)
		}
		return errors.Join(r.has(r.To.Server, r.Serials[0]), r.has(r.From.Server, r.Serials[1:]...))
	}},
	{"done is not said before it is", func(ctx context.Context, r AssignerRig) error {
		request := enrollment.AssignmentRequest{Effect: "bat_1/1/assign", Kind: enrollment.AssignDevices, Service: r.To, Serials: r.Serials}
		a, err := r.Assigner.Assign(ctx, request)
		if err != nil {
			return fmt.Errorf("an assignment was not begun: %w", err)
		}
		for range 100 {
			if a.State == enrollment.ActivityCompleted {
				return r.has(r.To.Server, r.Serials...)
			}
			r.Settle()
			if a, err = r.Assigner.Activity(ctx, r.To.Tenant, a.ID); err != nil {
				return fmt.Errorf("an activity that was begun could not be asked for: %w", err)
			}
		}
		return errors.New("an assignment does not end, however often it is asked for")
	}},
	{"a device that nobody has is not called done", func(ctx context.Context, r AssignerRig) error {
		a, err := r.assign(ctx, enrollment.AssignDevices, r.To, r.Serials[0], r.Unknown)
		if err != nil {
			if outcome, _ := enrollment.Sent(err); outcome == enrollment.OK {
				return err
			}
			return nil // refused as a whole
		}
		for _, refused := range a.Refused {
			if refused.Outcome == enrollment.OK {
				return fmt.Errorf("device %s is refused and called ok", refused.Serial)
			}
			if r.AssignedTo(refused.Serial) == r.To.Server {
				return fmt.Errorf("device %s is called refused, but it was assigned", refused.Serial)
			}
		}
		if slices.ContainsFunc(a.Refused, func(d enrollment.DeviceResult) bool { return d.Serial == r.Unknown }) {
			return nil
		}
		// Apple completes activities also over serial numbers that it does not know. Then those that it does know are done.
		if a.State == enrollment.ActivityCompleted {
			return r.has(r.To.Server, r.Serials[0])
		}
		return nil
	}},
	{"devices leave", func(ctx context.Context, r AssignerRig) error {
		if _, err := r.assign(ctx, enrollment.UnassignDevices, r.From, r.Serials[0]); err != nil {
			if errors.Is(err, errors.ErrUnsupported) {
				return r.has(r.From.Server, r.Serials...)
			}
			return err
		}
		return errors.Join(r.has("", r.Serials[0]), r.has(r.From.Server, r.Serials[1:]...))
	}},
	{"a kind that it cannot do is not done as another", func(ctx context.Context, r AssignerRig) error {
		kind := enrollment.AssignmentKind("give_away")
		_, err := r.Assigner.Assign(ctx, enrollment.AssignmentRequest{Effect: "bat_1/1/assign", Kind: kind, Service: r.To, Serials: r.Serials})
		if outcome, _ := enrollment.Sent(err); outcome != enrollment.Fatal {
			return fmt.Errorf("an assignment of a kind that does not exist is called %s (%w)", outcome, orNothing(err))
		}
		r.Settle()
		return r.has(r.From.Server, r.Serials...)
	}},
	{"an activity that never was is not made up", func(ctx context.Context, r AssignerRig) error {
		a, err := r.Assigner.Activity(ctx, r.To.Tenant, "00000000-0000-4000-8000-000000000000")
		if !errors.Is(err, enrollment.ErrNoActivity) {
			return fmt.Errorf("an activity that never was is %q (%w) instead of enrollment.ErrNoActivity", a.State, orNothing(err))
		}
		return nil
	}},
	{"a context that has ended moves nothing that is called unmoved", func(_ context.Context, r AssignerRig) error {
		var outcome enrollment.Outcome
		err := errors.Join(
			cancelled(func(ctx context.Context) error {
				_, err := r.Assigner.Assign(ctx, enrollment.AssignmentRequest{Effect: "bat_1/1/assign", Kind: enrollment.AssignDevices, Service: r.To, Serials: r.Serials})
				outcome, _ = enrollment.Sent(err)
				return err
			}),
			cancelled(func(ctx context.Context) error { _, err := r.Assigner.Activity(ctx, r.To.Tenant, "x"); return err }),
		)
		if err != nil || outcome == enrollment.Unknown {
			return err
		}
		r.Settle()
		return r.has(r.From.Server, r.Serials...)
	}},
}
