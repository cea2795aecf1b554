package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// LockClearerRig is a lock clearer with locked devices behind it.
type LockClearerRig struct {
	Clearer enrollment.LockClearer
	Tenant  enrollment.TenantID
	// Locked is a device for which a bypass code is held, Code. For Codeless, locked too, there is none.
	Locked, Codeless enrollment.Device
	Code             string
	// IsLocked is the truth.
	IsLocked func(d enrollment.Device) bool
}

// RunLockClearer runs every case.
func RunLockClearer(t *testing.T, newRig func(t testing.TB) LockClearerRig) {
	t.Helper()
	run(t, newRig, lockCases)
}

// silent fails where an answer or an error holds the bypass code.
func (r LockClearerRig) silent(told ...any) error {
	if strings.Contains(fmt.Sprintf("%+v", told), r.Code) {
		return errors.New("the bypass code stands in an answer or an error")
	}
	return nil
}

var lockCases = []testCase[LockClearerRig]{
	{"a look changes nothing", func(ctx context.Context, r LockClearerRig) error {
		for d, clearable := range map[enrollment.Device]enrollment.Known{r.Locked: enrollment.Yes, r.Codeless: enrollment.No} {
			lock, err := r.Clearer.ActivationLock(ctx, r.Tenant, d)
			switch {
			case err != nil:
				return fmt.Errorf("the lock could not be looked at: %w", err)
			case lock.Locked == enrollment.No:
				return fmt.Errorf("device %s is locked, and is called unlocked", d.Serial)
			case lock.Clearable != enrollment.NotKnown && lock.Clearable != clearable:
				return fmt.Errorf("of device %s it says that it can be cleared: %q", d.Serial, lock.Clearable)
			case !r.IsLocked(d):
				return fmt.Errorf("a look has unlocked device %s", d.Serial)
			}
			if err := r.silent(lock); err != nil {
				return err
			}
		}
		return nil
	}},
	{"a lock is cleared, and only that one, and twice does no harm", func(ctx context.Context, r LockClearerRig) error {
		for range 2 {
			err := r.Clearer.ClearActivationLock(ctx, r.Tenant, r.Locked)
			if errors.Is(err, errors.ErrUnsupported) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("the lock was not cleared: %w", err)
			}
			if r.IsLocked(r.Locked) {
				return errors.New("the lock is called cleared and is not")
			}
		}
		if !r.IsLocked(r.Codeless) {
			return errors.New("another device was unlocked too")
		}
		return nil
	}},
	{"without a code nothing is called cleared", func(ctx context.Context, r LockClearerRig) error {
		err := r.Clearer.ClearActivationLock(ctx, r.Tenant, r.Codeless)
		if !errors.Is(err, enrollment.ErrNoBypassCode) && !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("without a code it said %w instead of enrollment.ErrNoBypassCode", orNothing(err))
		}
		return r.silent(err)
	}},
	{"a context that has ended is told", func(_ context.Context, r LockClearerRig) error {
		var told error
		err := cancelled(func(ctx context.Context) error {
			told = r.Clearer.ClearActivationLock(ctx, r.Tenant, r.Locked)
			return told
		})
		return errors.Join(err, r.silent(told))
	}},
}
