package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// PushRenewalView is the renewal of a push certificate as a person sees it.
type PushRenewalView struct {
	renewal.PushRenewal
	Allowed []renewal.EventName `json:"allowed,omitempty"` // what may be asked of it now
	// Report has every check of the file that was just uploaded.
	Report *apns.Report `json:"report,omitempty"`
}

// StartPushRenewal begins to renew the tenant's own push certificate, or to get its first one, or returns the renewal that is
// under way. The key pair of the request is made at once.
func (t *Tenant) StartPushRenewal(ctx context.Context, by enrollment.Actor) (PushRenewalView, error) {
	if err := validActor(by); err != nil {
		return PushRenewalView{}, err
	}
	freshPush, fresh := enrollment.PushID(t.r.cfg.NewID("psh")), enrollment.RenewalID(t.r.cfg.NewID("prn"))
	var id enrollment.RenewalID
	err := t.change(ctx, func(c *change) error {
		if err := c.open(ctx, by); err != nil {
			return err
		}
		p, err := c.ownPush(ctx)
		if err != nil {
			return err
		}
		if p == nil {
			if p, err = c.addPush(ctx, by, freshPush, string(t.id)); err != nil {
				return err
			}
		}
		if p.Value.keptByHost() {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", "its key is kept by the host",
				"next", "Renew it where its key is kept; or import it together with its key, then it can be renewed here")
		}
		live, err := c.livePush(ctx, p)
		if err != nil {
			return err
		}
		if live != nil {
			id = live.Value.ID
			return nil
		}
		tr, err := renewal.StartPush(c.policy, c.now, renewal.PushRequest{ID: fresh, Push: p.Value.Push, By: by})
		if err != nil {
			return err
		}
		id = fresh
		return c.applyPush(ctx, p, c.pushRunsSeen.add(c, string(fresh), tr.Renewal), tr)
	})
	if err != nil {
		return PushRenewalView{}, err
	}
	return t.settledPush(ctx, by, id)
}

// PushRenewal returns one renewal; with an empty ID, the last one that was under way of the tenant's push certificate.
func (t *Tenant) PushRenewal(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (PushRenewalView, error) {
	c, err := t.look(ctx)
	if err != nil {
		return PushRenewalView{}, err
	}
	_, r, err := c.namedPushRun(ctx, id)
	if err != nil {
		return PushRenewalView{}, asProblem(err)
	}
	return c.viewPushRun(r, by), nil
}

func (c *change) viewPushRun(r *tracked[renewal.PushRenewal], by enrollment.Actor) PushRenewalView {
	return PushRenewalView{PushRenewal: r.Value, Allowed: r.Value.Allowed(c.policy, c.now, by)}
}

// namedPushRun reads the renewal with this ID; empty: the last one that was under way of the tenant's push certificate.
func (c *change) namedPushRun(ctx context.Context, id enrollment.RenewalID) (*tracked[pushRecord], *tracked[renewal.PushRenewal], error) {
	if id == "" && c.tenant != nil {
		p, err := c.ownPush(ctx)
		if err != nil {
			return nil, nil, err
		}
		if p != nil {
			id = p.Value.Latest
		}
		if id == "" {
			return nil, nil, missing(storage.ErrNotFound, "renewal of a push certificate")
		}
	}
	return c.pushRun(ctx, id)
}

// PushRenewalPage is one part of a list of renewals of push certificates.
type PushRenewalPage struct {
	Renewals []PushRenewalView
	Next     storage.Position
	More     bool
	Damaged  []error
}

// PushRenewals lists the renewals of a push certificate (empty: of all that the tenant ever had), ended ones included, by ID.
func (t *Tenant) PushRenewals(ctx context.Context, by enrollment.Actor, push enrollment.PushID, page Page) (PushRenewalPage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return PushRenewalPage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id), Parent: string(push)})
	if err != nil {
		return PushRenewalPage{}, err
	}
	var out PushRenewalPage
	out.Renewals, out.Damaged, out.Next, out.More, err = list(ctx, t.r.pushRuns, t.r.store, q, func(item pushRunItem) (PushRenewalView, error) {
		return c.viewPushRun(&tracked[renewal.PushRenewal]{Item: item}, by), nil
	})
	return out, asProblem(err)
}

// CancelPushRenewal gives a renewal up (empty: the last one). The certificate in use stays, and so do the keys.
func (t *Tenant) CancelPushRenewal(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (PushRenewalView, error) {
	return t.actOnPush(ctx, by, id, only(renewal.CancelRequested{By: by}))
}

// RecheckPush repeats now what holds a renewal up (empty: the last one): the making of its key, or the question to Apple.
func (t *Tenant) RecheckPush(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (PushRenewalView, error) {
	return outcomeOfPush(t.actOnPush(ctx, by, id, only(renewal.RecheckRequested{By: by})))
}

type pushEvent func(*change, *tracked[pushRecord], *tracked[renewal.PushRenewal]) (renewal.PushEvent, error)

func only(ev renewal.PushEvent) pushEvent {
	return func(*change, *tracked[pushRecord], *tracked[renewal.PushRenewal]) (renewal.PushEvent, error) {
		return ev, nil
	}
}

// actOnPush takes one event that a person causes, and settles what follows from it.
func (t *Tenant) actOnPush(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, event pushEvent) (PushRenewalView, error) {
	if err := validActor(by); err != nil {
		return PushRenewalView{}, err
	}
	err := t.change(ctx, func(c *change) error {
		if err := c.notErased(); err != nil {
			return err
		}
		p, r, err := c.namedPushRun(ctx, id)
		if err != nil {
			return err
		}
		id = r.Value.ID
		ev, err := event(c, p, r)
		if err != nil {
			return err
		}
		_, err = c.stepPush(ctx, p, r, ev)
		return err
	})
	if err != nil {
		return PushRenewalView{}, err
	}
	return t.settledPush(ctx, by, id)
}

// settledPush waits for the outcome of what was just asked of a renewal, and returns it as it then stands.
func (t *Tenant) settledPush(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (PushRenewalView, error) {
	if err := t.settle(ctx, t.r.pushRuns.Key(string(t.id), string(id))); err != nil {
		return PushRenewalView{}, err
	}
	return t.PushRenewal(ctx, by, id)
}

// outcomeOfPush makes an error of what keeps a renewal from its end.
func outcomeOfPush(view PushRenewalView, err error) (PushRenewalView, error) {
	switch {
	case err != nil || view.State == renewal.PushCompleted:
		return view, err
	case view.Problem != nil:
		return view, view.Problem
	case view.State == renewal.PushProbing:
		return view, enrollment.NewProblem(enrollment.CodeStillWorking)
	}
	return view, nil
}
