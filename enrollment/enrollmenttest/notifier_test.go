package enrollmenttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeChat is a notifier, sound but for its quirk.
type fakeChat struct {
	quirk quirk
	mu    sync.Mutex
	told  []string
}

func (f *fakeChat) Notify(ctx context.Context, n enrollment.Notice) error {
	switch {
	case ctx.Err() == nil:
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	case f.quirk == "drops it with a context that has ended":
		return nil
	default:
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.quirk == "drops some" && len(f.told) > 2, f.quirk == "drops all":
		return nil
	case f.quirk == "fails":
		return errors.New("the server is down")
	case f.quirk == "minds a second time" && slices.Contains(f.told, n.ID):
		return errors.New("it was told before")
	}
	f.told = append(f.told, n.ID)
	return nil
}

func notifierRig(_ testing.TB, q quirk) NotifierRig {
	f := &fakeChat{quirk: q}
	return NotifierRig{Notifier: f, Told: func() []string { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.told) }}
}

func TestNotifiersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, notifierCases, notifierRig, map[string][]quirk{
		"what is called told has arrived":       {"drops some", "drops all", "fails"},
		"a notice that comes twice is no error": {"minds a second time"},
		"a context that has ended is not called told unless it was": {
			"drops it with a context that has ended", "panics with a context that has ended",
		},
	})
}

// The runners are what a host calls: a sound implementation passes each of them.
func TestSoundOnesPass(t *testing.T) {
	sound := quirk("")
	t.Run("assigner", func(t *testing.T) { RunAssigner(t, func(t testing.TB) AssignerRig { return assignerRig(t, sound) }) })
	t.Run("profile assigner", func(t *testing.T) {
		RunProfileAssigner(t, func(t testing.TB) ProfileAssignerRig { return profileRig(t, sound) })
	})
	t.Run("profile reader", func(t *testing.T) {
		RunProfileReader(t, func(t testing.TB) ProfileReaderRig { return profileReaderRig(t, sound) })
	})
	t.Run("lister", func(t *testing.T) {
		RunDeviceLister(t, func(t testing.TB) DeviceListerRig { return listerRig(t, sound) })
	})
	t.Run("reader", func(t *testing.T) {
		RunDeviceReader(t, func(t testing.TB) DeviceReaderRig { return readerRig(t, sound) })
	})
	t.Run("locks", func(t *testing.T) { RunLockClearer(t, func(t testing.TB) LockClearerRig { return lockRig(t, sound) }) })
	t.Run("notifier", func(t *testing.T) { RunNotifier(t, func(t testing.TB) NotifierRig { return notifierRig(t, sound) }) })
}
