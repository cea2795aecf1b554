package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// A job is a machine inside a change: what is the same about renewals and watches when they are driven.
type job interface {
	// tick lets time pass.
	tick(ctx context.Context) error
	// due lists the effects that may be tried now.
	due() []enrollment.Effect
	// moved reports whether the machine is not as it was read.
	moved() bool
	// keep writes the record with the change: due no earlier than until, or when its value says if that is zero; unless it
	// is no longer under the lease that ends at own.
	keep(own, until time.Time)
}

// feed gives the result of an effect to the machine as it stands then.
type feed func(ctx context.Context, c *change, j job) error

// maxEffects bounds how long one record is worked on; what is left is due again after the lease.
const maxEffects = 16

// work drives one claimed record: it lets time pass, then does what is due, one effect after the other. Every result is
// applied to the record as it stands when the result is there.
func (r *Runner) work(ctx context.Context, k storage.RecordKey, leaseEnd time.Time) (err error) {
	defer func() {
		// A port of the host's may panic; that must not end the batch.
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("working on %v: panic: %v", k, trouble)
		}
	}()
	next := func(ctx context.Context, _ *change, j job) error { return j.tick(ctx) }
	for round := range maxEffects {
		var due []enrollment.Effect
		err := r.change(ctx, enrollment.TenantID(k.Tenant), func(c *change) error {
			j, err := r.job(ctx, c, k)
			if err != nil {
				return err
			}
			if err := next(ctx, c, j); err != nil {
				return err
			}
			switch due = j.due(); {
			case len(due) == 0:
				j.keep(leaseEnd, time.Time{})
			case round > 0 || j.moved():
				j.keep(leaseEnd, leaseEnd)
			} // else the claim has leased the record just as it is, and a write would only cost time
			return nil
		})
		if err != nil || len(due) == 0 {
			return err
		}
		if next, err = r.perform(ctx, k, due[0]); err != nil {
			return err
		}
	}
	return nil
}

// job reads the machine of a record.
func (r *Runner) job(ctx context.Context, c *change, k storage.RecordKey) (job, error) {
	switch k.Kind {
	case KindServer:
		s, err := c.server(ctx, enrollment.ServerID(k.ID))
		return watchJob{c, s}, err
	case KindRenewal:
		run, err := c.renewal(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return nil, err
		}
		s, err := c.server(ctx, run.Value.Server)
		return renewalJob{c, s, run}, err
	}
	return nil, fmt.Errorf("%w: nothing works on records of kind %q", storage.ErrInvalid, k.Kind)
}

// perform does one effect, outside of any write, and returns how to tell the machine. If the context ended meanwhile,
// nothing is told: the effect is due again, with the same ID.
func (r *Runner) perform(ctx context.Context, k storage.RecordKey, x enrollment.Effect) (feed, error) {
	limited, cancel := context.WithTimeout(ctx, r.cfg.Lease/2)
	defer cancel()
	var tell feed
	switch x.Kind {
	case enrollment.CheckPush:
		tell = r.checkPush(limited, k, x)
	case enrollment.MakeKey:
		tell = r.makeKey(limited, k, x)
	case enrollment.VerifyToken:
		tell = r.verifyToken(limited, k, x)
	case enrollment.ProbeToken:
		tell = r.probeToken(limited, k, x)
	case enrollment.SendNotice:
		tell = r.sendNotice(limited, x)
	default:
		return nil, fmt.Errorf("%w: nobody knows the effect %q", storage.ErrInvalid, x.Kind)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return tell, nil
}
