package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// DeviceReaderRig is a reader with an MDM behind it.
type DeviceReaderRig struct {
	Reader enrollment.DeviceReader
	Tenant enrollment.TenantID
	MDM    enrollment.MDMID
	// One and Two are devices that the MDM manages, with serial number and UDID.
	One, Two enrollment.Device
}

// RunDeviceReader runs every case.
func RunDeviceReader(t *testing.T, newRig func(t testing.TB) DeviceReaderRig) {
	t.Helper()
	run(t, newRig, readerCases)
}

// reads asks for a device and compares which one is answered.
func (r DeviceReaderRig) reads(ctx context.Context, ask, want enrollment.Device) error {
	facts, err := r.Reader.DeviceFacts(ctx, r.Tenant, r.MDM, ask)
	switch {
	case err != nil:
		return fmt.Errorf("a device that is managed there could not be read: %w", err)
	case facts.Serial != want.Serial || facts.UDID != want.UDID:
		return fmt.Errorf("asked for %q %q it answered with %q %q", ask.Serial, ask.UDID, facts.Serial, facts.UDID)
	case facts.MDM != r.MDM:
		return fmt.Errorf("facts of MDM %q are called those of %q", r.MDM, facts.MDM)
	case facts.ObservedAt.IsZero():
		return errors.New("nothing says when the device was read")
	}
	return nil
}

var readerCases = []testCase[DeviceReaderRig]{
	{"a device is read by its UDID, or by its serial number", func(ctx context.Context, r DeviceReaderRig) error {
		for _, d := range []enrollment.Device{r.One, r.Two} {
			for _, ask := range []enrollment.Device{d, {UDID: d.UDID}, {Serial: d.Serial}} {
				if err := r.reads(ctx, ask, d); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{"the answer is the MDM's, not an echo", func(ctx context.Context, r DeviceReaderRig) error {
		mixed := enrollment.Device{UDID: r.One.UDID, Serial: r.Two.Serial, Product: "Newton1,1", Model: "made up"}
		facts, err := r.Reader.DeviceFacts(ctx, r.Tenant, r.MDM, mixed)
		switch {
		case errors.Is(err, enrollment.ErrNoDevice):
			return nil
		case err != nil:
			return fmt.Errorf("the device could not be read: %w", err)
		case facts.Serial != r.One.Serial || facts.UDID != r.One.UDID || facts.Product == mixed.Product || facts.Model == mixed.Model:
			return errors.New("what was asked comes back as what the MDM knows, so that no mix-up would ever be noticed")
		}
		return nil
	}},
	{"a device that is not there is not known", func(ctx context.Context, r DeviceReaderRig) error {
		for _, ask := range []enrollment.Device{
			{Serial: "STRANGER0001"}, {UDID: "00008103-FFFFFFFFFFFFFFFF"}, {Serial: r.One.Serial, UDID: "00008103-FFFFFFFFFFFFFFFF"}, {},
		} {
			_, err := r.Reader.DeviceFacts(ctx, r.Tenant, r.MDM, ask)
			if err := unknownTo(err); err != nil {
				return fmt.Errorf("%q %q: %w", ask.Serial, ask.UDID, err)
			}
		}
		return nil
	}},
	{"another MDM's, or another tenant's, device is not known", func(ctx context.Context, r DeviceReaderRig) error {
		_, elsewhere := r.Reader.DeviceFacts(ctx, r.Tenant, r.MDM+"-other", r.One)
		_, others := r.Reader.DeviceFacts(ctx, r.Tenant+"-other", r.MDM, r.One)
		return errors.Join(unknownTo(elsewhere), unknownTo(others))
	}},
	{"a context that has ended is told", func(_ context.Context, r DeviceReaderRig) error {
		return cancelled(func(ctx context.Context) error {
			_, err := r.Reader.DeviceFacts(ctx, r.Tenant, r.MDM, r.One)
			return err
		})
	}},
}
