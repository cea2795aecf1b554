package runner

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// RenewalView is a renewal as a person sees it.
type RenewalView struct {
	renewal.Renewal
	Allowed []renewal.EventName `json:"allowed,omitempty"` // what may be asked of it now
}

func (r *Runner) viewRenewal(run renewal.Renewal, p enrollment.Policy, now time.Time, by enrollment.Actor) RenewalView {
	v := RenewalView{Renewal: run, Allowed: run.Allowed(p, now, by)}
	if r.cfg.Certificates == nil {
		v.Allowed = slices.DeleteFunc(v.Allowed, func(name renewal.EventName) bool { return name == renewal.EventPublish })
	}
	return v
}

// StartRenewal begins to renew the token of a server, or returns the renewal that is under way: a closed browser tab loses
// nothing. The push certificate is looked at first. If that holds the renewal up, the error says so, beside the view.
func (t *Tenant) StartRenewal(ctx context.Context, by enrollment.Actor, server enrollment.ServerID) (RenewalView, error) {
	if err := validActor(by); err != nil {
		return RenewalView{}, err
	}
	fresh := enrollment.RenewalID(t.r.cfg.NewID("rnw"))
	var id enrollment.RenewalID
	err := t.change(ctx, func(c *change) error {
		s, err := c.server(ctx, server)
		if err != nil {
			return err
		}
		r, err := c.liveOrNew(ctx, by, s, fresh)
		if err != nil {
			return err
		}
		id = r.Value.ID
		return nil
	})
	if err != nil {
		return RenewalView{}, err
	}
	view, err := t.settled(ctx, by, id)
	if err == nil && view.Problem != nil && view.Problem.Code == enrollment.CodePushExpired {
		return view, view.Problem
	}
	return view, err
}

// liveOrNew returns the renewal of a server that is under way, or starts one under the given ID.
func (c *change) liveOrNew(
	ctx context.Context, by enrollment.Actor, s *tracked[serverRecord], fresh enrollment.RenewalID,
) (*tracked[renewal.Renewal], error) {
	if err := c.open(ctx, by); err != nil {
		return nil, err
	}
	live, err := c.live(ctx, s)
	if err != nil || live != nil {
		return live, err
	}
	tr, err := renewal.Start(c.policy, c.now, renewal.Request{
		ID: fresh, Server: s.Value.Server, Health: s.Value.Watch.Health(c.policy, c.now), By: by,
	})
	if err != nil {
		return nil, err
	}
	r := c.renewalsSeen.add(c, string(fresh), tr.Renewal)
	return r, c.apply(ctx, s, r, tr)
}

// Renewal returns one renewal.
func (t *Tenant) Renewal(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	c, err := t.look(ctx)
	if err != nil {
		return RenewalView{}, err
	}
	r, err := c.renewal(ctx, id)
	if err != nil {
		return RenewalView{}, asProblem(err)
	}
	return t.r.viewRenewal(r.Value, c.policy, c.now, by), nil
}

// RenewalPage is one part of a list of renewals.
type RenewalPage struct {
	Renewals []RenewalView
	Next     storage.Position
	More     bool
	Damaged  []error
}

// Renewals lists the renewals of a server (empty: of all servers of the tenant), ended ones included, by ID.
func (t *Tenant) Renewals(ctx context.Context, by enrollment.Actor, server enrollment.ServerID, page Page) (RenewalPage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return RenewalPage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id), Parent: string(server)})
	if err != nil {
		return RenewalPage{}, err
	}
	var out RenewalPage
	out.Renewals, out.Damaged, out.Next, out.More, err = list(ctx, t.r.renewals, t.r.store, q, func(item renewalItem) (RenewalView, error) {
		return t.r.viewRenewal(item.Value, c.policy, c.now, by), nil
	})
	return out, asProblem(err)
}

// Certificate is what is uploaded at Apple's portal.
type Certificate struct {
	PEM      []byte
	DER      []byte
	FileName string // safe on every system, such as "acme.pem"
	X509     *x509.Certificate
}

// Certificate returns the public key certificate of a renewal. Its key pair is made when it is first asked for, and is in
// the store, sealed, before the certificate leaves. Who took it is written down.
func (t *Tenant) Certificate(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (Certificate, error) {
	if err := t.keyed(ctx, by, id); err != nil {
		return Certificate{}, err
	}
	var pair abmtoken.KeyPair
	var name string
	err := t.change(ctx, func(c *change) error {
		s, r, err := c.run(ctx, id)
		if err != nil {
			return err
		}
		name = s.Value.Name
		if pair, err = c.ownKey(ctx, s, r); err != nil {
			return err
		}
		if _, err = c.step(ctx, s, r, renewal.CertificateTaken{By: by}); err != nil {
			return err
		}
		return c.watch(ctx, subjectOf(s), renewal.CertificateLeft{})
	})
	if err != nil {
		return Certificate{}, err
	}
	cert, err := x509.ParseCertificate(pair.CertificateDER())
	if err != nil {
		return Certificate{}, asProblem(storage.ErrDamaged)
	}
	return Certificate{PEM: pair.CertificatePEM(), DER: pair.CertificateDER(), FileName: abmtoken.FileName(name), X509: cert}, nil
}

// OverridePush lets a renewal go on although the push certificate has expired. Only a person may, and says why.
func (t *Tenant) OverridePush(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, reason string) (RenewalView, error) {
	if len(reason) > 4*maxName || !printable(reason) {
		return RenewalView{}, invalid("reason", "at most 512 printable characters")
	}
	return t.act(ctx, by, id, renewal.PushOverridden{By: by, Reason: reason})
}

// Confirm says that the uploaded token's organization, service and admin are right. Only a person may.
func (t *Tenant) Confirm(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	return t.outcome(t.actWith(ctx, by, id, func(c *change, s *tracked[serverRecord], r *tracked[renewal.Renewal]) (renewal.Event, error) {
		ev := renewal.Confirmed{By: by, Server: s.Value.Server}
		if candidate := r.Value.Candidate; candidate != nil && candidate.Account != nil {
			owner, err := c.otherOwner(ctx, s, candidate.Account.ServerUUID)
			if err != nil {
				return nil, err
			}
			ev.Owner = owner
		}
		return ev, nil
	}))
}

// Recheck repeats the check that holds a renewal up, now.
func (t *Tenant) Recheck(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	return t.outcome(t.act(ctx, by, id, renewal.RecheckRequested{By: by}))
}

// Cancel gives a renewal up. A token that Apple has not judged yet is not given up: it may be the only living one.
func (t *Tenant) Cancel(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	return t.act(ctx, by, id, renewal.CancelRequested{By: by})
}

func (t *Tenant) act(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, ev renewal.Event) (RenewalView, error) {
	return t.actWith(ctx, by, id, func(*change, *tracked[serverRecord], *tracked[renewal.Renewal]) (renewal.Event, error) {
		return ev, nil
	})
}

// actWith takes one event that a person causes, and settles what follows from it.
func (t *Tenant) actWith(
	ctx context.Context, by enrollment.Actor, id enrollment.RenewalID,
	event func(*change, *tracked[serverRecord], *tracked[renewal.Renewal]) (renewal.Event, error),
) (RenewalView, error) {
	if err := validActor(by); err != nil {
		return RenewalView{}, err
	}
	err := t.change(ctx, func(c *change) error {
		if err := c.notErased(); err != nil {
			return err
		}
		s, r, err := c.run(ctx, id)
		if err != nil {
			return err
		}
		ev, err := event(c, s, r)
		if err != nil {
			return err
		}
		_, err = c.step(ctx, s, r, ev)
		return err
	})
	if err != nil {
		return RenewalView{}, err
	}
	return t.settled(ctx, by, id)
}

// settled waits for the outcome of what was just asked of a renewal, and returns it as it then stands.
func (t *Tenant) settled(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	if err := t.settle(ctx, t.r.renewals.Key(string(t.id), string(id))); err != nil {
		return RenewalView{}, err
	}
	return t.Renewal(ctx, by, id)
}

// outcome makes an error of what keeps a renewal from its end.
func (t *Tenant) outcome(view RenewalView, err error) (RenewalView, error) {
	switch {
	case err != nil || view.State == renewal.Completed:
		return view, err
	case view.Problem != nil:
		return view, view.Problem
	case view.State == renewal.Verifying:
		return view, enrollment.NewProblem(enrollment.CodeStillWorking)
	}
	return view, nil
}
