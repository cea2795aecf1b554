package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// A job is a machine inside a change: what is the same about all machines when they are driven.
type job struct {
	record interface{ keep(own, until time.Time) }
	moved  *bool
	// tick lets time pass.
	tick func(ctx context.Context) error
	// due lists the effects that may be tried now.
	due func() []enrollment.Effect
	// reads are the records that an effect will read; nil: none beside the machine's own.
	reads func(x enrollment.Effect) []storage.RecordKey
	// notified takes the result of a notice.
	notified func(ctx context.Context, r enrollment.Result) error
}

// job reads the machine of a record.
func (c *change) job(ctx context.Context, k storage.RecordKey) (job, error) {
	switch k.Kind {
	case KindServer:
		s, err := c.server(ctx, enrollment.ServerID(k.ID))
		if err != nil {
			return job{}, err
		}
		j := c.watching(subjectOf(s))
		j.reads = func(x enrollment.Effect) []storage.RecordKey { return readsOfServer(s.Value.Server, x) }
		return j, nil
	case KindRenewal:
		s, run, err := c.run(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return job{}, err
		}
		return c.renewing(s, run), nil
	case KindPush:
		p, err := c.push(ctx, enrollment.PushID(k.ID))
		if err != nil {
			return job{}, err
		}
		j := c.watching(subjectOf(p))
		j.reads = func(x enrollment.Effect) []storage.RecordKey { return readsOfPush(p.Value.Push, x) }
		return j, nil
	case KindPushRenewal:
		p, run, err := c.pushRun(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return job{}, err
		}
		return c.renewingPush(p, run), nil
	case KindPlan:
		p, err := c.plansSeen.get(ctx, c, k.ID)
		if err != nil {
			return job{}, err
		}
		return c.planning(p), nil
	case KindWave:
		w, err := c.wavesSeen.get(ctx, c, k.ID)
		if err != nil {
			return job{}, err
		}
		return c.waving(w), nil
	case KindBatch:
		b, err := c.batchesSeen.get(ctx, c, k.ID)
		if err != nil {
			return job{}, err
		}
		return c.batching(b), nil
	case KindMove:
		m, err := c.movesSeen.get(ctx, c, k.ID)
		if err != nil {
			return job{}, err
		}
		return c.moving(m), nil
	case KindProposal:
		p, err := c.proposalsSeen.get(ctx, c, k.ID)
		if err != nil {
			return job{}, err
		}
		return c.deciding(p), nil
	}
	return job{}, fmt.Errorf("%w: nothing works on records of kind %q", storage.ErrInvalid, k.Kind)
}

func (c *change) watching(s subject) job {
	return job{
		record: s.record, moved: s.moved,
		tick: func(ctx context.Context) error { return c.watch(ctx, s, renewal.WatchTicked{}) },
		due:  func() []enrollment.Effect { return s.Watch.Due(c.now) },
		notified: func(ctx context.Context, r enrollment.Result) error {
			return c.watch(ctx, s, renewal.WatchNotified{Result: r})
		},
	}
}

func (c *change) renewing(s *tracked[serverRecord], run *tracked[renewal.Renewal]) job {
	take := func(ctx context.Context, ev renewal.Event) error {
		_, err := c.step(ctx, s, run, ev)
		return err
	}
	return job{
		record: run, moved: &run.moved,
		tick: func(ctx context.Context) error {
			return take(ctx, renewal.Ticked{Health: s.Value.Watch.Health(c.policy, c.now)})
		},
		due:   func() []enrollment.Effect { return run.Value.Due(c.now) },
		reads: func(x enrollment.Effect) []storage.RecordKey { return readsOfRenewal(run.Value, s.Value.Server, x) },
		notified: func(ctx context.Context, r enrollment.Result) error {
			return take(ctx, renewal.Notified{Result: r})
		},
	}
}

func (c *change) renewingPush(p *tracked[pushRecord], run *tracked[renewal.PushRenewal]) job {
	take := func(ctx context.Context, ev renewal.PushEvent) error {
		_, err := c.stepPush(ctx, p, run, ev)
		return err
	}
	return job{
		record: run, moved: &run.moved,
		tick:     func(ctx context.Context) error { return take(ctx, renewal.PushTicked{Push: p.Value.Push}) },
		due:      func() []enrollment.Effect { return run.Value.Due(c.now) },
		notified: func(ctx context.Context, r enrollment.Result) error { return take(ctx, renewal.Notified{Result: r}) },
	}
}
