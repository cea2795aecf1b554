package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// makePushKey makes the key pair of a request. It is in the store, sealed, in the same write in which the machine hears of it.
func (r *Runner) makePushKey(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	ev := renewal.KeyMade{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry}}
	var key apns.Key
	err := r.gated(ctx, func() (err error) { key, err = r.newKey(); return err })
	if err != nil {
		r.log.ErrorContext(ctx, "no key could be made", "tenant", k.Tenant, "renewal", k.ID, "error", err)
	} else {
		ev.Outcome, ev.KeyID = enrollment.OK, key.ID()
	}
	return func(ctx context.Context, c *change) error {
		p, run, err := c.pushRun(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return err
		}
		tr, err := c.stepPush(ctx, p, run, ev)
		if err != nil || !tr.Moved || ev.Outcome != enrollment.OK {
			return err
		}
		return c.addPushKey(ctx, p, key, false)
	}
}

// probePush asks Apple whether it accepts a push certificate: the one in use, or the one that a renewal is to put in use.
func (r *Runner) probePush(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	if k.Kind == KindPushRenewal {
		return r.probeCandidate(ctx, k, x)
	}
	item, err := r.pushes.Get(ctx, k.Tenant, k.ID)
	var cert apns.Certificate
	if err == nil && item.Value.Certificate != nil {
		cert, err = r.inHand(ctx, item.Value.Push)
	}
	answer, result := r.askPush(ctx, k, cert, err)
	result.Effect = x.ID
	return func(ctx context.Context, c *change) error {
		p, err := c.push(ctx, enrollment.PushID(k.ID))
		if err != nil {
			return err
		}
		return c.pushProbed(ctx, p, cert, answer, result)
	}
}

func (r *Runner) probeCandidate(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	run, err := r.pushRuns.Get(ctx, k.Tenant, k.ID)
	var cert apns.Certificate
	if candidate := run.Value.Candidate; err == nil && candidate != nil {
		var p pushItem
		if p, err = r.pushes.Get(ctx, k.Tenant, string(run.Value.Push)); err == nil {
			cert, err = r.openPush(ctx, p.Value.Push, enrollment.PushCertificate{
				Secret: candidate.Secret, Fingerprint: candidate.Fingerprint,
			})
		}
	}
	answer, result := r.askPush(ctx, k, cert, err)
	result.Effect = x.ID
	ev := renewal.PushProbed{Result: result, Answer: definitely(answer), Reason: answer.Reason}
	return func(ctx context.Context, c *change) error {
		p, run, err := c.pushRun(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return err
		}
		ev := ev
		ev.Push = p.Value.Push
		tr, err := c.stepPush(ctx, p, run, ev)
		if err == nil && tr.Activate != nil && ev.Answer != enrollment.NoAnswer {
			p.Value.Said = &answer.Finding
		}
		return err
	}
}

// askPush asks Apple about a certificate. With the result OK the answer is definite; Fatal says that nobody can ask. The
// error is why there is no certificate to ask about.
func (r *Runner) askPush(ctx context.Context, k storage.RecordKey, cert apns.Certificate, err error) (apns.Answer, enrollment.Result) {
	if err != nil {
		r.log.ErrorContext(ctx, "a push certificate cannot be read", "record", k.String(), "error", err)
		return apns.Answer{}, enrollment.Result{Outcome: enrollment.Retry, Problem: enrollment.ProblemOf(asProblem(err))}
	}
	if r.cfg.PushProber == nil || cert.Key().IsZero() {
		return apns.Answer{}, enrollment.Result{Outcome: enrollment.Fatal}
	}
	answer, err := r.cfg.PushProber.Probe(ctx, cert)
	if err != nil {
		return apns.Answer{}, enrollment.Result{Outcome: enrollment.Retry, Problem: silent(err.Error()).Because(err)}
	}
	if definitely(answer) == enrollment.NoAnswer {
		return apns.Answer{}, enrollment.Result{
			Outcome: enrollment.Retry, RetryAfter: answer.RetryAfter, Problem: silent(answer.Finding.Detail),
		}
	}
	return answer, enrollment.Result{Outcome: enrollment.OK}
}

// silent is the problem of a question that got no usable answer.
func silent(why string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodeUnreachable, "reason", because(plainWords(why)))
}

// pushProbed takes what was heard of a certificate to the watch over it. A host that keeps its certificate itself may have
// renewed it: then the answer is one about the new one.
func (c *change) pushProbed(
	ctx context.Context, p *tracked[pushRecord], cert apns.Certificate, answer apns.Answer, result enrollment.Result,
) error {
	ev := renewal.Probed{Result: result, Answer: definitely(answer), Reason: answer.Reason}
	active := p.Value.Certificate
	if active == nil {
		return c.watch(ctx, subjectOf(p), ev)
	}
	if active.HostKept && !cert.IsZero() && cert.Fingerprint() != active.Fingerprint {
		problem, err := c.followHost(ctx, p, cert)
		if err != nil {
			return err
		}
		if problem == nil {
			if ev.Answer == enrollment.NoAnswer {
				return nil // the new one is asked about in its own time
			}
			return c.pushAnswered(ctx, p, cert.Fingerprint(), answer)
		}
		ev.Problem = problem // the host uses one that devices do not hear
		ev.Outcome, ev.Answer = enrollment.OK, enrollment.Accepted
		return c.watch(ctx, subjectOf(p), ev)
	}
	if cert.Fingerprint() == active.Fingerprint && ev.Answer != enrollment.NoAnswer {
		if err := c.takeWord(ctx, p, cert.Fingerprint(), answer); err != nil {
			return err
		}
		ev.Result.Problem = pushTrouble(ev.Answer, ev.Reason)
	}
	if result.Outcome == enrollment.Retry {
		p.Value.Silence, p.moved = result.Problem, true
	}
	return c.watch(ctx, subjectOf(p), ev)
}

// followHost takes the certificate that the host uses by now; the problem says why not.
func (c *change) followHost(ctx context.Context, p *tracked[pushRecord], cert apns.Certificate) (*enrollment.Problem, error) {
	before, err := c.openPush(ctx, p.Value.Push, *p.Value.Certificate)
	if err != nil {
		return nil, err
	}
	if problem := discontinued(apns.Continue(before, cert, 0)); problem != nil {
		return problem, nil
	}
	// Its fingerprint is as good an ID as any: what is decided again after a conflict is sealed under the same.
	return nil, c.succeedPush(ctx, enrollment.Nobody, p, cert, "psc_"+cert.Fingerprint(), true)
}

// gated runs what keeps a core busy, such as the making of a key, a few at a time.
func (r *Runner) gated(ctx context.Context, do func() error) error {
	select {
	case r.keyGate <- struct{}{}:
		defer func() { <-r.keyGate }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return do()
}

// pushTrouble is the problem of a push certificate that got this answer; nil: none.
func pushTrouble(a enrollment.Answer, reason string) *enrollment.Problem {
	if a != enrollment.AnswerRejected {
		return nil
	}
	return enrollment.NewProblem(enrollment.CodePushDead, "reason", because(reason))
}
