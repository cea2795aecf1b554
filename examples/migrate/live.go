package main

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// live lets time pass: devices act when it is their time, and the host's cron job calls RunDue whenever something is due.
// It ends when the time is over, or until says so.
func (s *story) live(ctx context.Context, d time.Duration, until func(runner.PlanView) bool) error {
	show := s.newProgress()
	defer show.stop()
	for end := s.calendar.Now().Add(d); s.calendar.Now().Before(end); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ran, err := s.host.runner.RunDue(ctx, runner.Due{Limit: 1000})
		switch {
		case s.died:
			return nil
		case err != nil:
			return err
		case ran.Failed > 0:
			return fmt.Errorf("%d records could not be worked on", ran.Failed)
		case s.deaf != nil:
			return s.deaf
		case ran.Claimed > 0: // what was done may have made more due
			continue
		}
		view, err := s.view(ctx)
		if err != nil {
			return err
		}
		show.counts(s.calendar.Now(), view.Counts)
		if until != nil && until(view) {
			return nil
		}
		s.world.Advance(s.pause(end, ran.Next))
	}
	return nil
}

// shift is how long the host is awake at a time: long enough for a wipe to be released within minutes of its confirmation.
const shift = 2 * time.Minute

// pause is how long the host sleeps. In production its cron job comes round each minute, or [runner.Runner.Run] takes care of
// that. Here it is awake for some minutes and then sleeps for longer, so that nobody has to watch ten thousand minutes.
func (s *story) pause(end, next time.Time) time.Duration {
	now := s.calendar.Now()
	begun := now.Truncate(s.every)
	wake := begun.Add(s.every)
	if !next.IsZero() && next.Before(begun.Add(shift)) {
		wake = next
	}
	return max(min(wake.Sub(now), end.Sub(now)), time.Second)
}
