package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

const bypassCode = "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4"

// fakeLocks are the locks of two devices, sound but for their quirk.
type fakeLocks struct {
	quirk  quirk
	locked map[string]bool
}

func (f *fakeLocks) ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil, f.quirk == "does not look at its context":
		return nil
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	case f.quirk == "tells the code in an error":
		return fmt.Errorf("clearing with %s: %w", bypassCode, ctx.Err())
	}
	return ctx.Err()
}

func (f *fakeLocks) ActivationLock(ctx context.Context, _ enrollment.TenantID, d enrollment.Device) (enrollment.ActivationLock, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.ActivationLock{}, err
	}
	lock := enrollment.ActivationLock{Locked: enrollment.Yes, Clearable: enrollment.No}
	if d.Serial == "S1" || f.quirk == "says that it has every code" {
		lock.Clearable = enrollment.Yes
	}
	switch f.quirk {
	case "unlocks by looking":
		f.locked[d.Serial] = false
	case "says that nothing is locked":
		lock.Locked = enrollment.No
	}
	return lock, nil
}

func (f *fakeLocks) ClearActivationLock(ctx context.Context, _ enrollment.TenantID, d enrollment.Device) error {
	if err := f.ended(ctx); err != nil {
		return err
	}
	switch {
	case f.quirk == "cannot and says so":
		return errors.ErrUnsupported
	case f.quirk == "says cleared and did not", d.Serial != "S1" && f.quirk == "says cleared without a code":
		return nil
	case d.Serial != "S1" && f.quirk == "tells the code in an error":
		return fmt.Errorf("%w, only %s", enrollment.ErrNoBypassCode, bypassCode)
	case d.Serial != "S1":
		return enrollment.ErrNoBypassCode
	case !f.locked["S1"] && f.quirk == "fails the second time":
		return errors.New("there is no lock")
	}
	f.locked["S1"] = false
	if f.quirk == "clears every lock" {
		f.locked["S2"] = false
	}
	return nil
}

func lockRig(_ testing.TB, q quirk) LockClearerRig {
	f := &fakeLocks{quirk: q, locked: map[string]bool{"S1": true, "S2": true}}
	return LockClearerRig{
		Clearer: f, Tenant: "acme", Code: bypassCode, Locked: enrollment.Device{Serial: "S1", Product: "iPad14,1"},
		Codeless: enrollment.Device{Serial: "S2", Product: "iPad14,1"}, IsLocked: func(d enrollment.Device) bool { return f.locked[d.Serial] },
	}
}

func TestLockClearersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, lockCases, lockRig, map[string][]quirk{
		"a look changes nothing": {"unlocks by looking", "says that nothing is locked", "says that it has every code"},
		"a lock is cleared, and only that one, and twice does no harm": {
			"says cleared and did not", "clears every lock", "fails the second time",
		},
		"without a code nothing is called cleared": {"says cleared without a code", "tells the code in an error"},
		"a context that has ended is told":         {"does not look at its context", "panics with a context that has ended", "tells the code in an error"},
	})
}

func TestLockClearersThatSayWhatTheyLackPass(t *testing.T) {
	RunLockClearer(t, func(t testing.TB) LockClearerRig { return lockRig(t, "cannot and says so") })
}
