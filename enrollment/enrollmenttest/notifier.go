package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// NotifierRig is a notifier with whoever it tells behind it.
type NotifierRig struct {
	Notifier enrollment.Notifier
	// Told returns the IDs of the notices that have arrived.
	Told func() []string
}

// RunNotifier runs every case.
func RunNotifier(t *testing.T, newRig func(t testing.TB) NotifierRig) {
	t.Helper()
	run(t, newRig, notifierCases)
}

func notice(id string) enrollment.Notice {
	return enrollment.Notice{ID: id, Tenant: "acme", At: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}
}

var notifierCases = []testCase[NotifierRig]{
	{"what is called told has arrived", func(ctx context.Context, r NotifierRig) error {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				errs[i] = within(patience, func() error { return r.Notifier.Notify(ctx, notice(fmt.Sprint("n", i))) })
			})
		}
		wg.Wait()
		for i, err := range errs {
			if err == nil && !slices.Contains(r.Told(), fmt.Sprint("n", i)) {
				return errors.New("a notice is called told and has not arrived")
			}
			if err != nil {
				return fmt.Errorf("a notice could not be told: %w", err)
			}
		}
		return nil
	}},
	{"a notice that comes twice is no error", func(ctx context.Context, r NotifierRig) error {
		return errors.Join(r.Notifier.Notify(ctx, notice("n")), r.Notifier.Notify(ctx, notice("n")))
	}},
	{"a context that has ended is not called told unless it was", func(_ context.Context, r NotifierRig) error {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return within(patience, func() error {
			if err := r.Notifier.Notify(ctx, notice("n")); err == nil && !slices.Contains(r.Told(), "n") {
				return errors.New("a notice is called told and has not arrived")
			}
			return nil
		})
	}},
}
