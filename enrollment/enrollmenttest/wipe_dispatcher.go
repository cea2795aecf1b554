package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// WipeDispatcherRig is a dispatcher with an MDM and two devices behind it.
type WipeDispatcherRig struct {
	Dispatcher enrollment.WipeDispatcher
	Tenant     enrollment.TenantID
	MDM        enrollment.MDMID
	// Mac and Other are devices that the MDM manages, with all that a wipe needs. Only the Mac takes a PIN.
	Mac, Other enrollment.Device
	// Connect has a device come by. It takes every wipe that the MDM hands out, and gives each this answer.
	Connect func(d enrollment.Device, answer enrollment.WipeState) []TakenWipe
	// LoseAnswer has the MDM take the dispatcher's next request, and its answer get lost. Nil: it cannot be arranged, and
	// the case about it is left out.
	LoseAnswer func()

	clock *clock
}

// TakenWipe is a wipe as a device got it.
type TakenWipe struct {
	Command string // as in [enrollment.Wipe]
	PIN     string // empty: none came
}

// RunWipeDispatcher runs every case. newRig returns a rig whose dispatcher takes its time from now.
func RunWipeDispatcher(t *testing.T, newRig func(t testing.TB, now func() time.Time) WipeDispatcherRig) {
	t.Helper()
	run(t, func(t testing.TB) WipeDispatcherRig { return timed(t, newRig) }, wipeCases)
}

func timed(t testing.TB, newRig func(t testing.TB, now func() time.Time) WipeDispatcherRig) WipeDispatcherRig {
	c := &clock{now: time.Date(2026, 11, 25, 9, 0, 0, 123_456_000, time.UTC)}
	r := newRig(t, c.Now)
	r.clock = c
	return r
}

// clock is moved by the cases.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// order is a wipe of a device that may be sent within half a minute.
func (r WipeDispatcherRig) order(d enrollment.Device, name string) enrollment.Wipe {
	return enrollment.Wipe{
		Command: enrollment.WipeCommand(r.Tenant, name), Tenant: r.Tenant, MDM: r.MDM, Device: d,
		Options: enrollment.SafeWipe(d, false), NotAfter: r.clock.Now().Add(30 * time.Second),
	}
}

// sent sends a wipe that has to be taken.
func (r WipeDispatcherRig) sent(ctx context.Context, w enrollment.Wipe) error {
	status, err := r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
	if err != nil {
		return fmt.Errorf("a wipe that is right was not taken: %w", err)
	}
	if status.State != enrollment.WipeQueued && status.State != enrollment.WipeAcknowledged {
		return fmt.Errorf("a wipe that was just taken is said to be %q", status.State)
	}
	return nil
}

// takes has a device come by and compares the commands that it takes.
func (r WipeDispatcherRig) takes(d enrollment.Device, commands ...string) error {
	var got []string
	for _, taken := range r.Connect(d, enrollment.WipeAcknowledged) {
		got = append(got, taken.Command)
	}
	if strings.Join(got, " ") != strings.Join(commands, " ") {
		return fmt.Errorf("device %s took the wipes %q instead of %q", d.Serial, got, commands)
	}
	return nil
}

// repeated sends a wipe that was sent before. It may be refused or be called done; it may not be called undone.
func (r WipeDispatcherRig) repeated(ctx context.Context, w enrollment.Wipe) error {
	_, err := r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
	if outcome, _ := enrollment.Sent(err); outcome != enrollment.OK {
		return fmt.Errorf("a repeat is said to be %s (%w), but the first one had arrived", outcome, orNothing(err))
	}
	return nil
}

func (r WipeDispatcherRig) abilities(ctx context.Context) (enrollment.WipeAbilities, error) {
	can, err := r.Dispatcher.WipeAbilities(ctx, r.Tenant, r.MDM)
	if err != nil {
		return can, fmt.Errorf("its abilities could not be read: %w", err)
	}
	return can, nil
}

var wipeCases = append(append([]testCase[WipeDispatcherRig]{
	{"a wipe reaches its device and no other", func(ctx context.Context, r WipeDispatcherRig) error {
		w := r.order(r.Mac, "one")
		if err := r.sent(ctx, w); err != nil {
			return err
		}
		return each(
			func() error { return r.takes(r.Other) },
			func() error { return r.takes(r.Mac, w.Command) },
			func() error { return r.takes(r.Mac) },
		)
	}},
	{"a repeat erases nothing", func(ctx context.Context, r WipeDispatcherRig) error {
		w := r.order(r.Mac, "one")
		return errors.Join(r.sent(ctx, w), r.repeated(ctx, w), r.repeated(ctx, w), r.takes(r.Mac, w.Command), r.takes(r.Mac))
	}},
	{"a repeat after the answer erases nothing", func(ctx context.Context, r WipeDispatcherRig) error {
		for _, answer := range []enrollment.WipeState{enrollment.WipeAcknowledged, enrollment.WipeFailed, enrollment.WipeMalformed} {
			w := r.order(r.Mac, string(answer))
			if err := r.sent(ctx, w); err != nil {
				return err
			}
			if got := r.Connect(r.Mac, answer); len(got) != 1 {
				return fmt.Errorf("the device took %d wipes instead of one", len(got))
			}
			if err := errors.Join(r.repeated(ctx, w), r.takes(r.Mac)); err != nil {
				return fmt.Errorf("after the answer %s: %w", answer, err)
			}
		}
		return nil
	}},
	{"eight at once erase once", func(ctx context.Context, r WipeDispatcherRig) error {
		w := r.order(r.Other, "one")
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = within(patience, func() error { return r.repeated(ctx, w) }) })
		}
		wg.Wait()
		return errors.Join(errors.Join(errs...), r.takes(r.Other, w.Command), r.takes(r.Other))
	}},
	{"another order is another wipe", func(ctx context.Context, r WipeDispatcherRig) error {
		first, second := r.order(r.Mac, "one"), r.order(r.Mac, "two")
		return errors.Join(
			r.sent(ctx, first), r.takes(r.Mac, first.Command), r.sent(ctx, second), r.takes(r.Mac, second.Command),
		)
	}},
	{"nothing leaves from NotAfter on", func(ctx context.Context, r WipeDispatcherRig) error {
		late := r.order(r.Mac, "late")
		for _, by := range []time.Duration{30 * time.Second, time.Microsecond, time.Hour} {
			r.clock.advance(by)
			_, err := r.Dispatcher.Wipe(ctx, late, enrollment.PIN{})
			if !errors.Is(err, enrollment.ErrTooLate) {
				return fmt.Errorf("a wipe from its NotAfter on was answered with %w instead of enrollment.ErrTooLate", orNothing(err))
			}
		}
		if err := r.takes(r.Mac); err != nil {
			return err
		}
		again := r.order(r.Mac, "late")
		if err := errors.Join(r.sent(ctx, again), r.takes(r.Mac, again.Command)); err != nil {
			return fmt.Errorf("after it was too late, which says that nothing was sent: %w", err)
		}
		return nil
	}},
	{"a PIN reaches the Mac, or is refused", wipeWithPIN},
	{"a device that is not managed there is not wiped", func(ctx context.Context, r WipeDispatcherRig) error {
		stranger := r.Other
		stranger.Serial, stranger.UDID = "STRANGER0001", "00008103-FFFFFFFFFFFFFFFF"
		status, err := r.Dispatcher.Wipe(ctx, r.order(stranger, "stranger"), enrollment.PIN{})
		if err == nil && status.State != enrollment.WipeQueued {
			return fmt.Errorf("a wipe of a device that nobody manages is said to be %q", status.State)
		}
		return errors.Join(r.takes(r.Other), r.takes(r.Mac))
	}},
	{"a context that has ended sends nothing that is called unsent", func(ctx context.Context, r WipeDispatcherRig) error {
		w := r.order(r.Mac, "one")
		var outcome enrollment.Outcome
		err := errors.Join(
			cancelled(func(ctx context.Context) error {
				_, err := r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
				outcome, _ = enrollment.Sent(err)
				return err
			}),
			cancelled(func(ctx context.Context) error { _, err := r.Dispatcher.WipeStatus(ctx, w.Ref()); return err }),
		)
		if err != nil {
			return err
		}
		if outcome != enrollment.Unknown {
			return r.takes(r.Mac)
		}
		return nil
	}},
	{"a lost answer is not taken for a failure", func(ctx context.Context, r WipeDispatcherRig) error {
		if r.LoseAnswer == nil {
			return nil
		}
		w := r.order(r.Mac, "one")
		r.LoseAnswer()
		_, err := r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
		if outcome, _ := enrollment.Sent(err); outcome != enrollment.OK && outcome != enrollment.Unknown {
			return fmt.Errorf("the answer got lost, and the wipe is called %s (%w), but it had arrived", outcome, orNothing(err))
		}
		can, err := r.abilities(ctx)
		if err != nil || !can.RefusesRepeats {
			return errors.Join(err, r.takes(r.Mac, w.Command))
		}
		return errors.Join(r.repeated(ctx, w), r.takes(r.Mac, w.Command), r.repeated(ctx, w), r.takes(r.Mac))
	}},
}, statusCases...), recallCases...)

// wipeWithPIN: without its PIN nobody could unlock the Mac again.
func wipeWithPIN(ctx context.Context, r WipeDispatcherRig) error {
	can, err := r.abilities(ctx)
	if err != nil {
		return err
	}
	const digits = "048213"
	pin, err := enrollment.NewPIN(digits)
	if err != nil {
		return err
	}
	w := r.order(r.Mac, "one")
	w.PIN = "pin_1"
	status, err := r.Dispatcher.Wipe(ctx, w, pin)
	if strings.Contains(fmt.Sprint(status, err), digits) {
		return errors.New("the PIN stands in an answer or an error")
	}
	if !can.PIN {
		if outcome, _ := enrollment.Sent(err); outcome != enrollment.Fatal {
			return fmt.Errorf("it takes no PIN, and a wipe that needs one is called %s instead of fatal", outcome)
		}
		return r.takes(r.Mac)
	}
	if err != nil {
		return fmt.Errorf("a wipe with a PIN was not taken: %w", err)
	}
	got := r.Connect(r.Mac, enrollment.WipeAcknowledged)
	if len(got) != 1 || got[0].PIN != digits {
		return errors.New("the Mac did not get the PIN that was handed over")
	}
	if err := r.sent(ctx, r.order(r.Mac, "two")); err != nil {
		return err
	}
	if got = r.Connect(r.Mac, enrollment.WipeAcknowledged); len(got) != 1 || got[0].PIN != "" {
		return errors.New("the Mac got a PIN that nobody handed over")
	}
	return nil
}
