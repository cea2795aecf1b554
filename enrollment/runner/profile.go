package runner

import (
	"context"
	"net/url"

	"github.com/abmrenew/abmrenew/enrollment"
)

// SetProfile notes which enrollment profile devices get that move to the server: [Tenant.NewPlan] takes it where its route
// names none, and refuses a target without one. The profile itself is defined at Apple before, by a client of the device
// assignment service such as enrollment/dep's. Plans that exist keep the profile that was approved with them.
func (t *Tenant) SetProfile(
	ctx context.Context, by enrollment.Actor, server enrollment.ServerID, p enrollment.ADEProfile,
) (ServerView, error) {
	if err := validProfile(p); err != nil {
		return ServerView{}, err
	}
	err := t.onServer(ctx, by, server, func(c *change, s *tracked[serverRecord]) error {
		switch had := s.Value.Profile; {
		case s.Value.Retired():
			return enrollment.NewProblem(enrollment.CodeRetired)
		case had != nil && had.UUID == p.UUID:
			return nil
		}
		if err := c.stillOpen(); err != nil {
			return err
		}
		fact := enrollment.NewAuditFact(enrollment.ActProfileSet, by, "name", p.Name, "url", p.URL)
		if s.Value.Profile != nil {
			fact.From = s.Value.Profile.UUID
		}
		fact.To = p.UUID
		set := enrollment.ADEProfile{UUID: p.UUID, Name: p.Name, URL: p.URL, SetAt: c.now, SetBy: by}
		s.Value.Profile, s.moved = &set, true
		return c.note(ctx, subjectOf(s), fact)
	})
	if err != nil {
		return ServerView{}, err
	}
	return t.Server(ctx, server)
}

// maxProfileURL is the length of the URL of a profile at most (Apple, "Profile").
const maxProfileURL = 2000

func validProfile(p enrollment.ADEProfile) error {
	u, err := url.Parse(p.URL)
	switch {
	case p.UUID == "" || len(p.UUID) > maxName || !printable(p.UUID):
		return invalid("profile", "the UUID that Apple gave the profile when it was defined")
	case len(p.Name) > 4*maxName || !printable(p.Name):
		return invalid("name", "at most 512 printable bytes")
	case len(p.URL) > maxProfileURL || !printable(p.URL) || err != nil || u.User != nil:
		return invalid("url", "the address of the profile, of at most 2000 printable characters, without a password in it")
	}
	return nil
}

// routed completes a route with the enrollment profile that its new server has.
func (c *change) routed(ctx context.Context, q NewPlan) (NewPlan, error) {
	if q.Route.Profile != "" {
		return q, nil
	}
	s, err := c.server(ctx, q.Route.To)
	if err == nil && s.Value.Profile != nil {
		q.Route.Profile = s.Value.Profile.UUID
	}
	return q, err
}
