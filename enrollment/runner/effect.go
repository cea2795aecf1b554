package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// checkPush looks at the push certificate of the tenant.
func (r *Runner) checkPush(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	ev := renewal.PushChecked{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Fatal}}
	report, err := r.cfg.Push.Check(ctx, k.Tenant)
	switch {
	case errors.Is(err, apns.ErrNoCertificate): // asking again would not find one
	case err != nil:
		r.log.WarnContext(ctx, "the push certificate could not be checked", "tenant", k.Tenant, "error", err)
		ev.Outcome = enrollment.Retry
	default:
		ev.Outcome, ev.NotAfter, ev.Finding = enrollment.OK, report.NotAfter, finding(report)
	}
	return func(ctx context.Context, c *change) error {
		s, run, err := c.run(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return err
		}
		_, err = c.step(ctx, s, run, ev)
		return err
	}
}

// finding picks the first of the worst findings of a report.
func finding(report apns.Report) string {
	worst := report.Verdict()
	if worst == apns.Pass {
		return ""
	}
	for _, f := range report.Findings {
		if f.Verdict == worst {
			if f.Detail == "" {
				return f.Check
			}
			return f.Detail
		}
	}
	return ""
}

// makeKey makes a key pair. It is in the store, sealed, in the same write in which the machine hears of it. Each one keeps a
// core busy for some 40 ms and more, so only a few are made at once.
func (r *Runner) makeKey(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	ev := renewal.KeyMade{Result: enrollment.Result{Effect: x.ID, Outcome: enrollment.Retry}}
	var pair abmtoken.KeyPair
	err := r.gated(ctx, func() (err error) { pair, err = r.generate(ctx, k); return err })
	if err != nil {
		r.log.ErrorContext(ctx, "no key pair could be made", "tenant", k.Tenant, "renewal", k.ID, "error", err)
	} else {
		ev.Outcome, ev.KeyID = enrollment.OK, pair.ID()
	}
	return func(ctx context.Context, c *change) error {
		s, run, err := c.run(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return err
		}
		tr, err := c.step(ctx, s, run, ev)
		if err != nil || !tr.Moved || ev.Outcome != enrollment.OK {
			return err
		}
		return c.addKey(ctx, s, pair, false)
	}
}

func (r *Runner) generate(ctx context.Context, k storage.RecordKey) (abmtoken.KeyPair, error) {
	run, err := r.renewals.Get(ctx, k.Tenant, k.ID)
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	s, err := r.servers.Get(ctx, k.Tenant, string(run.Value.Server))
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	now, err := r.now(ctx)
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	return r.newPair(abmtoken.KeyOptions{Name: s.Value.Name, Bits: r.cfg.KeyBits, Now: now})
}

// addKey stores a pair, sealed, and puts it on the server's ring, where it stays while the server lives.
func (c *change) addKey(ctx context.Context, s *tracked[serverRecord], pair abmtoken.KeyPair, adopted bool) error {
	if _, held := s.Value.Key(pair.ID()); held {
		return nil
	}
	fact := keyFact(pair)
	fact.MadeAt, fact.Adopted = c.now, adopted
	if fact.Recipient != "" {
		o, err := c.recipient(ctx, fact.Recipient)
		switch {
		case err != nil:
			return err
		case o.found && !ownedBy(o, s):
			fact.Recipient = "" // one certificate for several servers: it tells nothing about the server
		case !o.found:
			o.Value = ownerRecord{Tenant: s.Value.Tenant, Server: s.Value.ID, Key: fact.ID}
			o.found, o.moved = true, true
		}
	}
	s.Value.Server, s.moved = s.Value.WithKey(fact), true
	return c.sealSecret(ctx, secretRef(s.Value.Server, secretKey, fact.ID), encodeKey(pair))
}

// verifyToken asks Apple whose token a candidate is.
func (r *Runner) verifyToken(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	ev := renewal.Verified{Result: enrollment.Result{Effect: x.ID}}
	run, err := r.renewals.Get(ctx, k.Tenant, k.ID)
	if err == nil {
		var s serverItem
		if s, err = r.servers.Get(ctx, k.Tenant, string(run.Value.Server)); err == nil {
			ev.Account, ev.Result, err = r.ask(ctx, s.Value.Server, x.Secret, "")
		}
	}
	if err != nil {
		r.log.ErrorContext(ctx, "an uploaded token cannot be read", "tenant", k.Tenant, "renewal", k.ID, "error", err)
		problem, _ := errors.AsType[*enrollment.Problem](asProblem(err))
		ev.Result = enrollment.Result{Outcome: enrollment.Retry, Problem: problem}
	}
	ev.Effect = x.ID
	return func(ctx context.Context, c *change) error {
		s, run, err := c.run(ctx, enrollment.RenewalID(k.ID))
		if err != nil {
			return err
		}
		ev := ev
		if ev.Owner, err = c.otherOwner(ctx, s, ev.Account.ServerUUID); err != nil {
			return err
		}
		ev.Server = s.Value.Server
		_, err = c.step(ctx, s, run, ev)
		return err
	}
}

// ask has Apple tell whose a stored token is. The error says that the token itself could not be read.
func (r *Runner) ask(ctx context.Context, s enrollment.Server, secret, admin string) (enrollment.Account, enrollment.Result, error) {
	token, err := r.openToken(ctx, s, secret)
	if err != nil {
		return enrollment.Account{}, enrollment.Result{}, err
	}
	account, err := r.cfg.Verifier.Account(ctx, token)
	if err != nil {
		return enrollment.Account{}, answer(err, token, s, admin), nil
	}
	if account.ServerUUID == "" {
		return enrollment.Account{}, answer(errors.New("the answer names no service"), token, s, admin), nil
	}
	return enrollment.Account{
		ServerUUID: account.ServerUUID, ServerName: account.ServerName, AdminID: account.AdminID,
		OrgID: account.OrgID, OrgIDHash: account.OrgIDHash, OrgName: account.OrgName, OrgType: account.OrgType,
	}, enrollment.Result{Outcome: enrollment.OK}, nil
}

// nameOf is the name of the server that a notice is about. A notice without one is better than none.
func (r *Runner) nameOf(ctx context.Context, n enrollment.Notice) string {
	if n.Server == "" {
		return ""
	}
	s, err := r.servers.Get(ctx, string(n.Tenant), string(n.Server))
	if err != nil {
		r.log.WarnContext(ctx, "a notice goes out without its server's name", "notice", n.ID, "error", err)
		return ""
	}
	return s.Value.Name
}

// sendNotice hands a notice to the host.
func (r *Runner) sendNotice(ctx context.Context, k storage.RecordKey, x enrollment.Effect) feed {
	result := enrollment.Result{Effect: x.ID, Outcome: enrollment.OK}
	if r.cfg.Notifier != nil && x.Notice != nil {
		notice := *x.Notice
		notice.Name = r.nameOf(ctx, notice)
		if err := r.cfg.Notifier.Notify(ctx, notice); err != nil {
			r.log.WarnContext(ctx, "a notice was not taken", "notice", notice.ID, "error", err)
			result.Outcome = enrollment.Retry
		}
	}
	return func(ctx context.Context, c *change) error {
		j, err := c.job(ctx, k)
		if err != nil {
			return err
		}
		return j.notified(ctx, result)
	}
}
