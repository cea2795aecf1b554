package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// ProfileAssignerRig is a profile assigner with a service behind it.
type ProfileAssignerRig struct {
	Assigner enrollment.ProfileAssigner
	Service  enrollment.Service
	Profile  string // the UUID of a profile of the service
	// Serials are at least two devices of the service without the profile; Unknown is one that it does not have.
	Serials []string
	Unknown string
	// ProfileOf is the truth: the UUID of the profile that a device would get; empty: none.
	ProfileOf func(serial string) string
}

// RunProfileAssigner runs every case.
func RunProfileAssigner(t *testing.T, newRig func(t testing.TB) ProfileAssignerRig) {
	t.Helper()
	run(t, newRig, profileCases)
}

// assign assigns the profile and returns what became of each device. What is called ok has to be so, and the other way
// round.
func (r ProfileAssignerRig) assign(ctx context.Context, serials ...string) ([]enrollment.DeviceResult, error) {
	results, err := r.Assigner.AssignProfile(ctx, r.Service, r.Profile, serials)
	if err != nil {
		return nil, fmt.Errorf("the profile was not assigned: %w", err)
	}
	if len(results) != len(serials) {
		return nil, fmt.Errorf("there are %d results for %d devices", len(results), len(serials))
	}
	for i, result := range results {
		has := enrollment.NormalUUID(r.ProfileOf(result.Serial)) == enrollment.NormalUUID(r.Profile)
		switch {
		case result.Serial != serials[i]:
			return nil, fmt.Errorf("result %d is of device %q instead of %q", i, result.Serial, serials[i])
		case result.Outcome == enrollment.OK && !has:
			return nil, fmt.Errorf("device %s is called ok, but it has not got the profile", result.Serial)
		case result.Outcome == enrollment.Fatal && has:
			return nil, fmt.Errorf("device %s is called fatal, but it has got the profile", result.Serial)
		case result.Outcome != enrollment.OK && result.Outcome != enrollment.Retry && result.Outcome != enrollment.Fatal:
			return nil, fmt.Errorf("the outcome of device %s is %q", result.Serial, result.Outcome)
		}
	}
	return results, nil
}

// all fails unless every outcome is ok.
func all(results []enrollment.DeviceResult) error {
	for _, result := range results {
		if result.Outcome != enrollment.OK {
			return fmt.Errorf("device %s, with which nothing is wrong, is %s: %s", result.Serial, result.Outcome, result.Reason)
		}
	}
	return nil
}

var profileCases = []testCase[ProfileAssignerRig]{
	{"each device gets the profile, and no others", func(ctx context.Context, r ProfileAssignerRig) error {
		results, err := r.assign(ctx, r.Serials[0])
		if err != nil {
			return err
		}
		if r.ProfileOf(r.Serials[1]) != "" {
			return errors.New("a device that was not named got the profile")
		}
		if err := all(results); err != nil {
			return err
		}
		results, err = r.assign(ctx, r.Serials...)
		return errors.Join(err, all(results))
	}},
	{"one device that is not there fails alone", func(ctx context.Context, r ProfileAssignerRig) error {
		results, err := r.assign(ctx, r.Serials[0], r.Unknown, r.Serials[1])
		if err != nil {
			return err
		}
		if results[1].Outcome == enrollment.OK {
			return fmt.Errorf("device %s, which is not there, is called ok", r.Unknown)
		}
		return all([]enrollment.DeviceResult{results[0], results[2]})
	}},
	{"doing it twice does no harm", func(ctx context.Context, r ProfileAssignerRig) error {
		for range 2 {
			results, err := r.assign(ctx, r.Serials...)
			if err := errors.Join(err, all(results)); err != nil {
				return err
			}
		}
		return nil
	}},
	{"no devices are no error", func(ctx context.Context, r ProfileAssignerRig) error {
		_, err := r.assign(ctx)
		return err
	}},
	{"a context that has ended is told", func(_ context.Context, r ProfileAssignerRig) error {
		return cancelled(func(ctx context.Context) error {
			_, err := r.Assigner.AssignProfile(ctx, r.Service, r.Profile, r.Serials)
			return err
		})
	}},
}
