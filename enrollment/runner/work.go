package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// feed gives the result of an effect to the machine as it stands then.
type feed func(ctx context.Context, c *change) error

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
	var next feed
	for round := range maxEffects {
		var due []enrollment.Effect
		err := r.change(ctx, enrollment.TenantID(k.Tenant), func(c *change) error {
			j, err := c.job(ctx, k)
			if err != nil {
				return err
			}
			if next == nil {
				err = j.tick(ctx)
			} else {
				err = next(ctx, c)
			}
			if err != nil {
				return err
			}
			switch due = j.due(); {
			case len(due) == 0:
				j.record.keep(leaseEnd, time.Time{})
			case round > 0 || *j.moved:
				j.record.keep(leaseEnd, leaseEnd)
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
	case enrollment.MakePushKey:
		tell = r.makePushKey(limited, k, x)
	case enrollment.ProbePush:
		tell = r.probePush(limited, k, x)
	case enrollment.SendNotice:
		tell = r.sendNotice(limited, k, x)
	case enrollment.CountMoves, enrollment.MakeBatches, enrollment.TellMoves, enrollment.CallTurns, enrollment.ReleaseWipes:
		tell = r.leadMoves(limited, k, x)
	case enrollment.LookUp, enrollment.SpendPost, enrollment.AskActivity, enrollment.AssignProfiles:
		tell = r.callApple(limited, k, x)
	case enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.AskWipe, enrollment.RecallWipe, enrollment.ClearLock:
		tell = r.lookAfter(limited, k, x)
	default:
		return nil, fmt.Errorf("%w: nobody knows the effect %q", storage.ErrInvalid, x.Kind)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return tell, nil
}
