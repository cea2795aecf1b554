package runner

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// maxEffects bounds how long one record is worked on; what is left is due again after the lease.
const maxEffects = 16

// work drives one claimed record: it lets time pass, then does what is due, one effect after the other. Every result is
// applied to the record as it stands when the result is there.
func (r *Runner) work(ctx context.Context, e *errand) error {
	near := newNearby(r.store)
	for {
		if r.alone(ctx, near, e, nil, (*errand).step); !e.again() {
			return e.err
		}
		if r.perform(ctx, r, e); e.err != nil {
			return e.err
		}
	}
}

// perform does the first effect that is due of a record, outside of any write, and keeps how to tell the machine. If the
// context ended meanwhile, nothing is told: the effect is due again, with the same ID. What is only to be looked up is read by
// reader.
func (r *Runner) perform(ctx context.Context, reader *Runner, e *errand) {
	limited, cancel := context.WithTimeout(ctx, r.cfg.Lease/2)
	defer cancel()
	e.rounds++
	e.err = guarded(e.key, func() (err error) {
		if e.tell, err = r.effect(limited, reader, e.key, e.due[0]); err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	})
}

// effect does one effect, and returns how to tell the machine.
func (r *Runner) effect(ctx context.Context, reader *Runner, k storage.RecordKey, x enrollment.Effect) (feed, error) {
	switch x.Kind {
	case enrollment.CheckPush:
		return reader.checkPush(ctx, k, x), nil
	case enrollment.MakeKey:
		return reader.makeKey(ctx, k, x), nil
	case enrollment.VerifyToken:
		return reader.verifyToken(ctx, k, x), nil
	case enrollment.ProbeToken:
		return reader.probeToken(ctx, k, x), nil
	case enrollment.MakePushKey:
		return reader.makePushKey(ctx, k, x), nil
	case enrollment.ProbePush:
		return reader.probePush(ctx, k, x), nil
	case enrollment.SendNotice:
		return reader.sendNotice(ctx, k, x), nil
	case enrollment.CountMoves, enrollment.MakeBatches, enrollment.TellMoves, enrollment.CallTurns, enrollment.ReleaseWipes:
		return r.leadMoves(ctx, k, x), nil
	case enrollment.LookUp, enrollment.SpendPost, enrollment.AskActivity, enrollment.AssignProfiles:
		return r.callApple(ctx, k, x), nil
	case enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.AskWipe, enrollment.RecallWipe, enrollment.ClearLock:
		return reader.lookAfter(ctx, k, x), nil
	}
	return nil, fmt.Errorf("%w: nobody knows the effect %q", storage.ErrInvalid, x.Kind)
}

// leads reports whether a record leads many others. What such a one hears is told at once and alone: it may write thousands of
// records, and it follows calls that cannot be repeated.
func leads(k storage.RecordKey) bool {
	switch k.Kind {
	case KindPlan, KindWave, KindBatch:
		return true
	}
	return false
}
