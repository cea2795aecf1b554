package enrollmenttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
)

var statusCases = []testCase[WipeDispatcherRig]{
	{"the status is what became of the wipe, or unsupported", func(ctx context.Context, r WipeDispatcherRig) error {
		can, err := r.abilities(ctx)
		if err != nil {
			return err
		}
		w := r.order(r.Mac, "one")
		if !can.Status {
			_, err := r.Dispatcher.WipeStatus(ctx, w.Ref())
			return unsupported("status", err)
		}
		is := func(w enrollment.Wipe, want enrollment.WipeState) error {
			got, err := r.Dispatcher.WipeStatus(ctx, w.Ref())
			if err != nil || got.State != want {
				return fmt.Errorf("the status is %q (%w) instead of %q", got.State, orNothing(err), want)
			}
			return nil
		}
		if err := errors.Join(is(w, enrollment.WipeUnheard), r.sent(ctx, w), is(w, enrollment.WipeQueued)); err != nil {
			return err
		}
		for _, answer := range []enrollment.WipeState{enrollment.WipeAcknowledged, enrollment.WipeFailed, enrollment.WipeMalformed} {
			w := r.order(r.Other, string(answer))
			if err := r.sent(ctx, w); err != nil {
				return err
			}
			r.Connect(r.Other, answer)
			if err := is(w, answer); err != nil {
				return err
			}
		}
		return is(w, enrollment.WipeQueued) // the others' answers are not its own
	}},
}

var recallCases = []testCase[WipeDispatcherRig]{
	{"a recalled wipe never comes, or recall is unsupported", func(ctx context.Context, r WipeDispatcherRig) error {
		can, err := r.abilities(ctx)
		if err != nil {
			return err
		}
		w := r.order(r.Mac, "one")
		if !can.Recall {
			return unsupported("recall", r.Dispatcher.RecallWipe(ctx, w.Ref()))
		}
		if err := r.sent(ctx, w); err != nil {
			return err
		}
		for range 2 { // a second recall is none the less one
			if err := r.Dispatcher.RecallWipe(ctx, w.Ref()); err != nil {
				return fmt.Errorf("a wipe that waits was not recalled: %w", err)
			}
		}
		if err := r.takes(r.Mac); err != nil {
			return fmt.Errorf("after it was recalled: %w", err)
		}
		_, _ = r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
		if err := r.takes(r.Mac); err != nil {
			return fmt.Errorf("sent again after it was recalled: %w", err)
		}
		return nil
	}},
	{"a recall of what never came keeps it from coming", func(ctx context.Context, r WipeDispatcherRig) error {
		can, err := r.abilities(ctx)
		if err != nil || !can.Recall {
			return err
		}
		w := r.order(r.Mac, "one")
		if err := r.Dispatcher.RecallWipe(ctx, w.Ref()); err != nil {
			return fmt.Errorf("a wipe that never came was not recalled: %w", err)
		}
		_, _ = r.Dispatcher.Wipe(ctx, w, enrollment.PIN{})
		return r.takes(r.Mac)
	}},
	{"a recall of one wipe leaves the others", func(ctx context.Context, r WipeDispatcherRig) error {
		can, err := r.abilities(ctx)
		if err != nil || !can.Recall {
			return err
		}
		one, other := r.order(r.Mac, "one"), r.order(r.Other, "other")
		return errors.Join(r.sent(ctx, one), r.sent(ctx, other), r.Dispatcher.RecallWipe(ctx, one.Ref()), r.takes(r.Other, other.Command))
	}},
	{"a wipe that was taken cannot be recalled, and that is said", func(ctx context.Context, r WipeDispatcherRig) error {
		can, err := r.abilities(ctx)
		if err != nil || !can.Recall {
			return err
		}
		w := r.order(r.Mac, "one")
		if err := errors.Join(r.sent(ctx, w), r.takes(r.Mac, w.Command)); err != nil {
			return err
		}
		if err := r.Dispatcher.RecallWipe(ctx, w.Ref()); !errors.Is(err, enrollment.ErrWipeTaken) {
			return fmt.Errorf("a wipe that the device has taken was recalled with %w instead of enrollment.ErrWipeTaken", orNothing(err))
		}
		return nil
	}},
}

// unsupported fails unless an error says that the dispatcher cannot do a thing, as its abilities do.
func unsupported(what string, err error) error {
	if !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("its abilities have no %s, and the call says %w instead of errors.ErrUnsupported", what, orNothing(err))
	}
	return nil
}
