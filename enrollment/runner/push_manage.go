package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// CheckPush asks Apple now whether it accepts the push certificate that the tenant's devices hear, and returns it with the
// answer and every other check. Where that is the account's, it is the account's history that says who asked.
func (t *Tenant) CheckPush(ctx context.Context, by enrollment.Actor) (PushView, error) {
	if err := validTenant(t.id); err != nil {
		return PushView{}, err
	}
	serving, err := t.r.pushFor(ctx, t.id, t.r.cfg.PushAccount)
	if err != nil {
		return PushView{}, asProblem(err)
	}
	owner := t.r.Tenant(serving.Tenant)
	if err := owner.onPush(ctx, by, func(c *change, p *tracked[pushRecord]) error {
		return c.watch(ctx, subjectOf(p), renewal.CheckRequested{By: by})
	}); err != nil {
		return PushView{}, err
	}
	if err := owner.settle(ctx, t.r.pushes.Key(string(serving.Tenant), string(serving.ID))); err != nil {
		return PushView{}, err
	}
	return t.Push(ctx)
}

// QuietPush keeps expiry reminders of the tenant's own push certificate back until a time.
func (t *Tenant) QuietPush(ctx context.Context, by enrollment.Actor, until time.Time) (PushView, error) {
	if err := t.onPush(ctx, by, func(c *change, p *tracked[pushRecord]) error {
		return c.watch(ctx, subjectOf(p), renewal.Quieted{By: by, Until: until})
	}); err != nil {
		return PushView{}, err
	}
	return t.Push(ctx)
}

// RetirePush puts the tenant's own push certificate out of use for good: its live renewal is cancelled, nobody is reminded
// any more, and the account's serves the tenant from now on, if there is one. It stays, sealed, until the tenant is erased.
// A new one may be imported afterwards, with whatever topic.
func (t *Tenant) RetirePush(ctx context.Context, by enrollment.Actor) (PushView, error) {
	var view PushView
	err := t.onPush(ctx, by, func(c *change, p *tracked[pushRecord]) error {
		if err := c.retirePush(ctx, by); err != nil {
			return err
		}
		view = c.glance().viewPush(p.Value)
		return nil
	})
	return view, err
}

// retirePush puts the tenant's push certificate out of use, if it has one.
func (c *change) retirePush(ctx context.Context, by enrollment.Actor) error {
	p, err := c.ownPush(ctx)
	if err != nil || p == nil {
		return err
	}
	live, err := c.livePush(ctx, p)
	if err != nil {
		return err
	}
	if live != nil {
		if _, err := c.stepPush(ctx, p, live, renewal.PushRetired{By: by}); err != nil {
			return err
		}
	}
	p.Value.RetiredAt, p.moved = c.now, true
	c.tenant.Value.Push, c.tenant.moved = "", true
	if err := c.watch(ctx, subjectOf(p), renewal.CredentialRetired{}); err != nil {
		return err
	}
	return c.note(ctx, subjectOf(p), enrollment.AuditFact{Act: enrollment.ActPushRetired, By: by})
}

// onPush does something with the tenant's own push certificate.
func (t *Tenant) onPush(ctx context.Context, by enrollment.Actor, do func(*change, *tracked[pushRecord]) error) error {
	if err := validActor(by); err != nil {
		return err
	}
	return t.change(ctx, func(c *change) error {
		if err := c.notErased(); err != nil {
			return err
		}
		p, err := c.ownPush(ctx)
		if err != nil {
			return err
		}
		if p == nil {
			return noPush()
		}
		return do(c, p)
	})
}
