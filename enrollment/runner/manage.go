package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// CheckServer asks Apple now whether the server's token lives, and returns the server with the answer.
func (t *Tenant) CheckServer(ctx context.Context, by enrollment.Actor, id enrollment.ServerID) (ServerView, error) {
	err := t.onServer(ctx, by, id, func(c *change, s *tracked[serverRecord]) error {
		return c.watch(ctx, subjectOf(s), renewal.CheckRequested{By: by})
	})
	if err != nil {
		return ServerView{}, err
	}
	if err := t.settle(ctx, t.r.servers.Key(string(t.id), string(id))); err != nil {
		return ServerView{}, err
	}
	return t.Server(ctx, id)
}

// Quiet keeps expiry reminders of a server back until a time, for a customer who has been told.
func (t *Tenant) Quiet(ctx context.Context, by enrollment.Actor, id enrollment.ServerID, until time.Time) (ServerView, error) {
	err := t.onServer(ctx, by, id, func(c *change, s *tracked[serverRecord]) error {
		return c.watch(ctx, subjectOf(s), renewal.Quieted{By: by, Until: until})
	})
	if err != nil {
		return ServerView{}, err
	}
	return t.Server(ctx, id)
}

// RetireServer puts a server out of use for good: its live renewal is cancelled, nobody is reminded any more, and its
// service at Apple may be given to another server. Its token and keys stay, sealed, until the tenant is erased.
func (t *Tenant) RetireServer(ctx context.Context, by enrollment.Actor, id enrollment.ServerID) (ServerView, error) {
	err := t.onServer(ctx, by, id, func(c *change, s *tracked[serverRecord]) error { return c.retire(ctx, by, s) })
	if err != nil {
		return ServerView{}, err
	}
	return t.Server(ctx, id)
}

func (c *change) retire(ctx context.Context, by enrollment.Actor, s *tracked[serverRecord]) error {
	if s.Value.Retired() {
		return nil
	}
	live, err := c.live(ctx, s)
	if err != nil {
		return err
	}
	if live != nil {
		if _, err := c.step(ctx, s, live, renewal.ServerRetired{By: by}); err != nil {
			return err
		}
	}
	s.Value.RetiredAt, s.moved = c.now, true
	if err := c.watch(ctx, subjectOf(s), renewal.CredentialRetired{}); err != nil {
		return err
	}
	if err := c.releaseService(ctx, s); err != nil {
		return err
	}
	return c.note(ctx, subjectOf(s), enrollment.AuditFact{Act: enrollment.ActServerRetired, By: by})
}

// releaseService lets another server stand for the service.
func (c *change) releaseService(ctx context.Context, s *tracked[serverRecord]) error {
	uuid := enrollment.NormalUUID(s.Value.Pin.ServerUUID)
	if uuid == "" {
		return nil
	}
	o, err := c.service(ctx, uuid)
	if err != nil || !o.found || !ownedBy(o, s) {
		return err
	}
	delete(c.servicesSeen, uuid)
	c.write.Delete = append(c.write.Delete, o.Ref())
	return nil
}

func (t *Tenant) onServer(
	ctx context.Context, by enrollment.Actor, id enrollment.ServerID, do func(*change, *tracked[serverRecord]) error,
) error {
	if err := validActor(by); err != nil {
		return err
	}
	return t.change(ctx, func(c *change) error {
		if err := c.notErased(); err != nil {
			return err
		}
		s, err := c.server(ctx, id)
		if err != nil {
			return err
		}
		return do(c, s)
	})
}
