package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// DeviceListerRig is a lister with a service behind it.
type DeviceListerRig struct {
	Lister  enrollment.DeviceLister
	Service enrollment.Service
	// Serials are all devices of the service, at least three. Elsewhere is a device of another one.
	Serials   []string
	Elsewhere string
}

// RunDeviceLister runs every case.
func RunDeviceLister(t *testing.T, newRig func(t testing.TB) DeviceListerRig) {
	t.Helper()
	run(t, newRig, listerCases)
}

// listed returns the devices of the service, each once.
func (r DeviceListerRig) listed(ctx context.Context) (map[string]bool, error) {
	seen := map[string]bool{}
	for d, err := range r.Lister.Devices(ctx, r.Service) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("the devices could not be listed: %w", err)
		case d.Assigned != enrollment.Yes:
			return nil, fmt.Errorf("device %s is listed, but its Assigned is %q", d.Serial, d.Assigned)
		case d.ObservedAt.IsZero():
			return nil, fmt.Errorf("nothing says when device %s was seen", d.Serial)
		case !slices.Contains(r.Serials, d.Serial):
			return nil, fmt.Errorf("device %q is listed, which is not the service's", d.Serial)
		}
		seen[d.Serial] = true
	}
	return seen, nil
}

var listerCases = []testCase[DeviceListerRig]{
	{"every device is listed, and no other", func(ctx context.Context, r DeviceListerRig) error {
		for range 2 { // and again: nothing of the first stays behind
			seen, err := r.listed(ctx)
			if err != nil {
				return err
			}
			for _, serial := range r.Serials {
				if !seen[serial] {
					return fmt.Errorf("device %s is not listed", serial)
				}
			}
		}
		return nil
	}},
	{"who has seen enough may stop", func(ctx context.Context, r DeviceListerRig) error {
		for _, err := range r.Lister.Devices(ctx, r.Service) {
			if err != nil {
				return fmt.Errorf("the devices could not be listed: %w", err)
			}
			break
		}
		return nil
	}},
	{"each device is looked up as it is now, in order", func(ctx context.Context, r DeviceListerRig) error {
		ask := []string{r.Serials[2], r.Elsewhere, r.Serials[0]}
		want := []enrollment.Known{enrollment.Yes, enrollment.No, enrollment.Yes}
		got, err := r.Lister.Lookup(ctx, r.Service, ask)
		if err != nil {
			return fmt.Errorf("devices could not be looked up: %w", err)
		}
		if len(got) != len(ask) {
			return fmt.Errorf("there are %d answers about %d devices", len(got), len(ask))
		}
		for i, d := range got {
			switch {
			case d.Serial != ask[i]:
				return fmt.Errorf("answer %d is about device %q instead of %q", i, d.Serial, ask[i])
			case d.Assigned != want[i]:
				return fmt.Errorf("device %s is Assigned %q instead of %q", d.Serial, d.Assigned, want[i])
			case d.ObservedAt.IsZero():
				return fmt.Errorf("nothing says when device %s was seen", d.Serial)
			}
		}
		return nil
	}},
	{"nothing is looked up of no devices", func(ctx context.Context, r DeviceListerRig) error {
		got, err := r.Lister.Lookup(ctx, r.Service, nil)
		if err != nil || len(got) != 0 {
			return fmt.Errorf("of no devices there are %d answers, and %w", len(got), orNothing(err))
		}
		return nil
	}},
	{"after an error the list ends, and a context that has ended is one", func(_ context.Context, r DeviceListerRig) error {
		after := 0
		list := func(ctx context.Context) error {
			var failed error
			for _, err := range r.Lister.Devices(ctx, r.Service) {
				if failed != nil {
					after++
				}
				failed = errors.Join(failed, err)
			}
			return failed
		}
		err := errors.Join(
			cancelled(list),
			cancelled(func(ctx context.Context) error { _, err := r.Lister.Lookup(ctx, r.Service, r.Serials); return err }),
		)
		if after > 0 {
			return errors.Join(err, fmt.Errorf("after an error %d more came", after))
		}
		return err
	}},
}
