package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// A tenant has at most one push certificate out of retirement, which its own record names. So nobody has to say which one
// is meant, and two people who give a tenant its first one at the same time meet there.

// pushPrefix and pushRunPrefix begin the IDs of push certificates and their renewals. No server has such an ID: they are
// subjects of the audit like servers.
const (
	pushPrefix    = "psh_"
	pushRunPrefix = "prn_"
)

// push reads a push certificate of the tenant, to be held or changed by the write.
func (c *change) push(ctx context.Context, id enrollment.PushID) (*tracked[pushRecord], error) {
	return c.pushesSeen.get(ctx, c, string(id))
}

// ownPush reads the tenant's push certificate; nil: it has none of its own.
func (c *change) ownPush(ctx context.Context) (*tracked[pushRecord], error) {
	if c.tenant.Value.Push == "" {
		return nil, nil
	}
	return c.push(ctx, c.tenant.Value.Push)
}

// pushRun reads the renewal of a push certificate, and that.
func (c *change) pushRun(ctx context.Context, id enrollment.RenewalID) (*tracked[pushRecord], *tracked[renewal.PushRenewal], error) {
	r, err := c.pushRunsSeen.get(ctx, c, string(id))
	if err != nil {
		return nil, nil, err
	}
	p, err := c.push(ctx, r.Value.Push)
	return p, r, err
}

// addPush gives the tenant a push certificate that has nothing in it yet.
func (c *change) addPush(ctx context.Context, by enrollment.Actor, id enrollment.PushID, name string) (*tracked[pushRecord], error) {
	p := c.pushesSeen.add(c, string(id), pushRecord{
		Push: enrollment.Push{ID: id, Tenant: enrollment.TenantID(c.tenant.Tenant), Name: name, CreatedAt: c.now},
		care: care{Watch: renewal.NewPushWatch(enrollment.TenantID(c.tenant.Tenant), id)},
	})
	c.tenant.Value.Push, c.tenant.moved = id, true
	return p, c.note(ctx, subjectOf(p), enrollment.AuditFact{
		Act: enrollment.ActPushAdded, By: by, Detail: map[string]string{"name": name},
	})
}

// livePush returns the renewal of a push certificate that is under way; nil: none.
func (c *change) livePush(ctx context.Context, p *tracked[pushRecord]) (*tracked[renewal.PushRenewal], error) {
	if p.Value.Renewal == "" {
		return nil, nil
	}
	r, err := c.pushRunsSeen.get(ctx, c, string(p.Value.Renewal))
	if err != nil || !r.Value.Live() {
		return nil, err
	}
	return r, nil
}

// stepPush takes one event of a push certificate's renewal and puts all that follows from it into the write: the snapshot,
// the certificate with its watch, the secrets that are not needed any more, and the audit.
func (c *change) stepPush(
	ctx context.Context, p *tracked[pushRecord], r *tracked[renewal.PushRenewal], ev renewal.PushEvent,
) (renewal.PushTransition, error) {
	tr, err := r.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return tr, err
	}
	return tr, c.applyPush(ctx, p, r, tr)
}

func (c *change) applyPush(
	ctx context.Context, p *tracked[pushRecord], r *tracked[renewal.PushRenewal], tr renewal.PushTransition,
) error {
	r.Value, r.moved = tr.Renewal, true
	switch live := tr.Renewal.Live(); {
	case live && p.Value.Renewal != tr.Renewal.ID:
		p.Value.Renewal, p.Value.Latest, p.moved = tr.Renewal.ID, tr.Renewal.ID, true
	case !live && p.Value.Renewal == tr.Renewal.ID:
		p.Value.Renewal, p.moved = "", true
	}
	if tr.Activate != nil {
		if err := c.activatePush(ctx, p, *tr.Activate, tr.Drop); err != nil {
			return err
		}
	} else if err := c.dropPushes(ctx, p, tr.Drop); err != nil {
		return err
	}
	return c.note(ctx, subjectOf(p), ofRenewal(tr.Renewal.ID, tr.Audit)...)
}

// activatePush puts a certificate in use, or takes Apple's first word for the one that is.
func (c *change) activatePush(ctx context.Context, p *tracked[pushRecord], a enrollment.PushActivation, drop []string) error {
	if a.Certificate.Generation != p.Value.Generation() {
		p.Value.Said = nil
	}
	p.Value.Push, p.moved = p.Value.Activated(a), true
	if err := c.dropPushes(ctx, p, drop); err != nil {
		return err
	}
	return c.watch(ctx, subjectOf(p), renewal.CredentialActivated{
		Generation: a.Certificate.Generation, Expires: a.Certificate.Expires, Verified: a.Certificate.Proven(),
	})
}

func (c *change) dropPushes(ctx context.Context, p *tracked[pushRecord], secrets []string) error {
	for _, id := range secrets {
		if err := c.dropSecret(ctx, pushSecretRef(p.Value.Push, secretPush, id)); err != nil {
			return err
		}
	}
	return nil
}

// provePush takes Apple's first word for the certificate in use. The latest renewal hears of it: what it says about the
// outcome may be that this word was missing.
func (c *change) provePush(ctx context.Context, p *tracked[pushRecord], fingerprint string) error {
	active := p.Value.Certificate
	if active == nil || active.Fingerprint != fingerprint || active.Proven() {
		return nil
	}
	if p.Value.Latest != "" {
		r, err := c.pushRunsSeen.get(ctx, c, string(p.Value.Latest))
		if err != nil {
			return err
		}
		_, err = c.stepPush(ctx, p, r, renewal.PushProven{Fingerprint: fingerprint, Push: p.Value.Push})
		return err
	}
	proven := *active
	proven.ProvenAt = c.now
	activation, drop := p.Value.Replace(proven, c.now)
	if err := c.activatePush(ctx, p, activation, drop); err != nil {
		return err
	}
	return c.note(ctx, subjectOf(p), enrollment.AuditFact{
		Act: enrollment.ActPushProven, By: enrollment.Nobody, Detail: map[string]string{"fingerprint": fingerprint},
	})
}

// succeedPush puts a certificate in use that came in another way than by a renewal; a renewal that is under way hears of it.
// It is sealed in this write.
func (c *change) succeedPush(
	ctx context.Context, by enrollment.Actor, p *tracked[pushRecord], cert apns.Certificate, secret string, hostKept bool,
) error {
	next := enrollment.PushCertificate{
		Generation: p.Value.Generation() + 1, Secret: secret, Fingerprint: cert.Fingerprint(), Topic: cert.Topic(),
		Serial: cert.Serial(), Issuer: cert.Issuer(), Expires: cert.NotAfter(), KeyID: cert.KeyID(), HostKept: hostKept,
		ActivatedAt: c.now,
	}
	if err := c.sealPush(ctx, p, secret, cert, hostKept); err != nil {
		return err
	}
	if !hostKept {
		if err := c.addPushKey(ctx, p, cert.Key(), true); err != nil {
			return err
		}
	}
	activation, drop := p.Value.Replace(next, c.now)
	if err := c.activatePush(ctx, p, activation, drop); err != nil {
		return err
	}
	if err := c.note(ctx, subjectOf(p), pushImported(by, next)); err != nil {
		return err
	}
	live, err := c.livePush(ctx, p)
	if err != nil || live == nil {
		return err
	}
	_, err = c.stepPush(ctx, p, live, renewal.PushReplaced{Push: p.Value.Push})
	return err
}
