package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// PushSource gives the newest push certificates, for the host's own pushes: with it the host keeps no certificate itself,
// uses a renewed one from the next call on, without a restart, and reports back what Apple said. It implements
// [apns.Source] and is safe for concurrent use.
//
// Each call reads the store and opens what is sealed there: get a certificate once for many pushes, not for each.
type PushSource struct {
	r    *Runner
	only enrollment.TenantID // of which alone it speaks; empty: of all
}

// PushSource returns the source of all tenants' push certificates.
func (r *Runner) PushSource() *PushSource { return &PushSource{r: r} }

// PushSource returns the source of the tenant's push certificate, and of no other tenant's.
func (t *Tenant) PushSource() *PushSource { return &PushSource{r: t.r, only: t.id} }

// Certificate implements [apns.Source]: the tenant's own certificate, else the account's. Where there is none, the error
// matches [apns.ErrNoCertificate] and is a problem of code not_found.
func (s *PushSource) Certificate(ctx context.Context, tenant string) (apns.Certificate, error) {
	if s.only != "" && s.only != enrollment.TenantID(tenant) {
		return apns.Certificate{}, noPush()
	}
	for range attempts {
		p, err := s.r.pushFor(ctx, enrollment.TenantID(tenant), s.r.cfg.PushAccount)
		switch {
		case err != nil:
			return apns.Certificate{}, asProblem(err)
		case p.Certificate == nil:
			return apns.Certificate{}, noPush()
		}
		cert, err := s.r.inHand(ctx, p)
		if errors.Is(err, storage.ErrNotFound) {
			continue // it was replaced between the two reads
		}
		return cert, asProblem(err)
	}
	return apns.Certificate{}, enrollment.NewProblem(enrollment.CodeConflict)
}

// Answered takes what Apple said about a certificate that this source gave: an answer that is not definite says nothing, and
// one about an older certificate is stale. A refusal shows at once, and is checked by a probe of our own.
func (s *PushSource) Answered(ctx context.Context, tenant string, used apns.Certificate, answer apns.Answer) error {
	if s.only != "" && s.only != enrollment.TenantID(tenant) {
		return noPush()
	}
	return s.r.pushAnswered(ctx, enrollment.TenantID(tenant), s.r.cfg.PushAccount, used.Fingerprint(), answer)
}

// pushAnswered takes what Apple said about a certificate to the push certificate that serves a tenant.
func (m rooms) pushAnswered(
	ctx context.Context, tenant, account enrollment.TenantID, fingerprint string, answer apns.Answer,
) error {
	if definitely(answer) == enrollment.NoAnswer {
		return nil
	}
	serving, err := m.pushFor(ctx, tenant, account)
	if err != nil {
		return asProblem(err)
	}
	return m.change(ctx, serving.Tenant, func(c *change) error {
		p, err := c.push(ctx, serving.ID)
		if err != nil {
			return err
		}
		return c.pushAnswered(ctx, p, fingerprint, answer)
	})
}

func noPush() error {
	return enrollment.NewProblem(enrollment.CodeNotFound, "what", "push certificate").Because(apns.ErrNoCertificate)
}

// definitely is the definite answer of Apple's in what a prober says.
func definitely(a apns.Answer) enrollment.Answer {
	switch a.Finding.Verdict {
	case apns.Pass:
		return enrollment.Accepted
	case apns.Fail:
		return enrollment.AnswerRejected
	}
	return enrollment.NoAnswer
}

// pushAnswered takes what Apple said of a certificate to the host. An acceptance of what is known to be accepted is not
// written: hosts push often.
func (c *change) pushAnswered(ctx context.Context, p *tracked[pushRecord], fingerprint string, answer apns.Answer) error {
	active, said := p.Value.Certificate, definitely(answer)
	if active == nil || active.Fingerprint != fingerprint {
		return nil // an older one's answer is stale
	}
	if said == enrollment.Accepted && active.Proven() && p.Value.Watch.Answer == enrollment.Accepted &&
		c.now.Sub(p.Value.Watch.AnsweredAt) < c.policy.RecheckEvery {
		return nil
	}
	if err := c.takeWord(ctx, p, fingerprint, answer); err != nil {
		return err
	}
	return c.watch(ctx, subjectOf(p), renewal.HostAnswered{
		Generation: active.Generation, Answer: said, Reason: answer.Reason, Problem: pushTrouble(said, answer.Reason),
	})
}

// takeWord keeps Apple's word for the certificate in use, and lets the one before it go with the first good one.
func (c *change) takeWord(ctx context.Context, p *tracked[pushRecord], fingerprint string, answer apns.Answer) error {
	finding := answer.Finding
	p.Value.Said, p.moved = &finding, true
	if definitely(answer) != enrollment.Accepted {
		return nil
	}
	return c.provePush(ctx, p, fingerprint)
}

// pushOf reads the tenant's own push certificate; the zero one: it has none.
func (m rooms) pushOf(ctx context.Context, tenant enrollment.TenantID) (enrollment.Push, error) {
	if err := validTenant(tenant); err != nil {
		return enrollment.Push{}, err
	}
	item, found, err := find(ctx, m.tenants, string(tenant), onlyID)
	if err != nil || !found || item.Value.Push == "" {
		return enrollment.Push{}, err
	}
	p, err := m.pushes.Get(ctx, string(tenant), string(item.Value.Push))
	return p.Value.Push, err
}

// pushFor reads the push certificate that serves a tenant: its own, once there is a certificate in it, or the account's. It
// fails where there is neither.
func (m rooms) pushFor(ctx context.Context, tenant, account enrollment.TenantID) (enrollment.Push, error) {
	own, err := m.pushOf(ctx, tenant)
	if err != nil || own.Certificate != nil {
		return own, err
	}
	if account != "" && account != tenant {
		shared, err := m.pushOf(ctx, account)
		if err != nil || shared.Certificate != nil {
			return shared, err
		}
	}
	if own.ID == "" {
		return own, noPush()
	}
	return own, nil
}

// inHand opens the certificate in use, with its key; the host's where it keeps that.
func (r *Runner) inHand(ctx context.Context, p enrollment.Push) (apns.Certificate, error) {
	if p.Certificate.HostKept && r.cfg.PushSource != nil {
		return r.cfg.PushSource.Certificate(ctx, string(p.Tenant))
	}
	return r.openPush(ctx, p, *p.Certificate)
}

// storedChecker looks at the push certificate that serves a tenant: what a Runner uses where Config.Push is nil.
type storedChecker struct{ r *Runner }

// Check implements [apns.Checker].
func (s storedChecker) Check(ctx context.Context, tenant string) (apns.Report, error) {
	cert, err := s.r.PushSource().Certificate(ctx, tenant)
	if err != nil {
		return apns.Report{}, err
	}
	policy, err := s.r.Tenant(enrollment.TenantID(tenant)).look(ctx)
	if err != nil {
		return apns.Report{}, err
	}
	report := apns.Inspect(cert, policy.rules())
	if s.r.cfg.PushProber == nil || cert.Key().IsZero() || report.Verdict() == apns.Fail {
		return report, nil
	}
	answer, err := s.r.cfg.PushProber.Probe(ctx, cert)
	if err != nil {
		s.r.log.WarnContext(ctx, "Apple could not be asked about a push certificate", "tenant", tenant, "error", err)
		return report, nil // what is known without Apple is enough to go on
	}
	report.Findings = append(report.Findings, answer.Finding)
	return report, nil
}
