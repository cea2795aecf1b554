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
		case ran.More:
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

// pause is how long the host sleeps: until its cron job comes round, unless something is due in some seconds.
func (s *story) pause(end, next time.Time) time.Duration {
	now := s.calendar.Now()
	d := min(now.Truncate(s.every).Add(s.every).Sub(now), end.Sub(now))
	if soon := next.Sub(now); !next.IsZero() && soon <= 15*time.Second {
		d = min(d, max(soon, time.Second))
	}
	return d
}
