package enrollmenttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// testCase is one promise. It returns an error, so that the suite itself can be tested with broken implementations.
type testCase[R any] struct {
	name string
	run  func(ctx context.Context, r R) error
}

// patience is how long a call may take, and how soon after the end of its context it has to return.
const patience = 10 * time.Second

// run runs every case against a rig of its own.
func run[R any](t *testing.T, newRig func(t testing.TB) R, cases []testCase[R]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := attempt(t.Context(), newRig(t), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// attempt runs one case. A panic of the implementation is an error like any other.
func attempt[R any](ctx context.Context, r R, c testCase[R]) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return within(time.Minute, func() error { return c.run(ctx, r) })
}

// within runs f and returns its error, or that it panicked or took too long. It goes on beside the test then.
func within(limit time.Duration, f func() error) error {
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ended <- fmt.Errorf("it panicked: %v", p)
			}
		}()
		ended <- f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return fmt.Errorf("it did not return within %s", limit)
	}
}

// cancelled calls something with a context that has ended, and returns its error, which may not be nil.
func cancelled(call func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var got error
	err := within(patience, func() error { got = call(ctx); return nil })
	switch {
	case err != nil:
		return fmt.Errorf("with a context that has ended %w", err)
	case got == nil:
		return errors.New("a call with a context that has ended succeeded")
	}
	return nil
}

// unknownTo fails unless an error says that the device is not known.
func unknownTo(err error) error {
	if !errors.Is(err, enrollment.ErrNoDevice) {
		return fmt.Errorf("of a device that is not known there it said %w instead of enrollment.ErrNoDevice", orNothing(err))
	}
	return nil
}

// orNothing makes an error of no error, for a message.
func orNothing(err error) error {
	if err == nil {
		return errors.New("nothing")
	}
	return err
}

// each joins the errors of several checks.
func each(checks ...func() error) error {
	var all []error
	for _, check := range checks {
		all = append(all, check())
	}
	return errors.Join(all...)
}
