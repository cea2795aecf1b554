package runner

import (
	"context"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// NewServer describes a server to be added.
type NewServer struct {
	Name string // as at the portal; shown to people
	Site enrollment.SiteID
	ID   enrollment.ServerID // empty: made by Config.NewID. Adding the same ID twice returns what is there
}

// AddServer adds a server without a token; the tenant comes into being with its first. A renewal gives it one.
func (t *Tenant) AddServer(ctx context.Context, by enrollment.Actor, n NewServer) (ServerView, error) {
	if err := validActor(by); err != nil {
		return ServerView{}, err
	}
	if n.ID == "" {
		n.ID = enrollment.ServerID(t.r.cfg.NewID("srv"))
	}
	if err := validServer(n); err != nil {
		return ServerView{}, err
	}
	var view ServerView
	err := t.change(ctx, func(c *change) error {
		if err := c.open(ctx, by); err != nil {
			return err
		}
		s, err := c.serversSeen.find(ctx, c, string(n.ID))
		if err != nil {
			return err
		}
		c.serversSeen.put(s)
		if !s.found {
			s.Value = serverRecord{
				Server: enrollment.Server{ID: n.ID, Tenant: t.id, Site: n.Site, Name: n.Name, CreatedAt: c.now},
				care:   care{Watch: renewal.NewWatch(t.id, n.ID)},
			}
			if err := c.note(ctx, subjectOf(s), enrollment.AuditFact{
				Act: enrollment.ActServerAdded, By: by, Detail: map[string]string{"name": n.Name, "site": string(n.Site)},
			}); err != nil {
				return err
			}
		}
		view = c.view(s, nil)
		return nil
	})
	return view, err
}

func validServer(n NewServer) error {
	if err := validName(n.Name); err != nil {
		return err
	}
	if len(n.Site) > maxName || !printable(string(n.Site)) {
		return invalid("site", "at most 128 printable characters")
	}
	if len(n.ID) > maxName || !printable(string(n.ID)) || strings.Contains(string(n.ID), "/") || reserved(string(n.ID)) {
		return invalid("server", "1 to 128 printable characters without a slash, not the ID of a renewal or push certificate")
	}
	return nil
}

func validName(name string) error {
	if strings.TrimSpace(name) == "" || len(name) > maxName || !printable(name) {
		return invalid("name", "1 to 128 printable characters")
	}
	return nil
}

// reserved reports whether an ID is one of those that no server has: all are subjects of one audit.
func reserved(id string) bool {
	for _, prefix := range []string{renewalPrefix, pushPrefix, pushRunPrefix} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

// Server returns one server, with its live renewal if there is one.
func (t *Tenant) Server(ctx context.Context, id enrollment.ServerID) (ServerView, error) {
	c, err := t.look(ctx)
	if err != nil {
		return ServerView{}, err
	}
	s, err := c.server(ctx, id)
	if err != nil {
		return ServerView{}, asProblem(err)
	}
	live, err := c.live(ctx, s)
	if err != nil {
		return ServerView{}, asProblem(err)
	}
	return c.view(s, live), nil
}

// live returns the renewal of a server that is under way; nil: none.
func (c *change) live(ctx context.Context, s *tracked[serverRecord]) (*tracked[renewal.Renewal], error) {
	if s.Value.Renewal == "" {
		return nil, nil
	}
	r, err := c.renewal(ctx, s.Value.Renewal)
	if err != nil || !r.Value.Live() {
		return nil, err
	}
	return r, nil
}

// ServerPage is one part of a list of servers.
type ServerPage struct {
	Servers []ServerView
	Next    storage.Position // where the next page begins; meaningful only if More
	More    bool
	// Damaged has an error for each server whose record cannot be read; the others are listed all the same.
	Damaged []error
}

// ServerQuery narrows a list of servers; zero values: any.
type ServerQuery struct {
	Site   enrollment.SiteID
	Health enrollment.Health // as of the last RunDue, where it changes by the passing of time alone
	Page
}

// Servers lists the tenant's servers by ID, with their health.
func (t *Tenant) Servers(ctx context.Context, q ServerQuery) (ServerPage, error) {
	if _, err := t.opened(ctx); err != nil {
		return ServerPage{}, err
	}
	return t.r.listServers(ctx, storage.Query{Tenant: string(t.id)}, q)
}

// Servers lists all servers of the installation by tenant and ID, with their health.
func (r *Runner) Servers(ctx context.Context, q ServerQuery) (ServerPage, error) {
	return r.listServers(ctx, storage.Query{AllTenants: true}, q)
}

func (r *Runner) listServers(ctx context.Context, base storage.Query, q ServerQuery) (ServerPage, error) {
	base.Parent, base.State = string(q.Site), string(q.Health)
	base, err := q.query(base)
	if err != nil {
		return ServerPage{}, err
	}
	seen, err := r.glances(ctx)
	if err != nil {
		return ServerPage{}, asProblem(err)
	}
	var out ServerPage
	out.Servers, out.Damaged, out.Next, out.More, err = list(ctx, r.servers, r.store, base, func(item serverItem) (ServerView, error) {
		g, err := seen.of(ctx, item.Tenant)
		return g.view(item.Value, false), err
	})
	return out, asProblem(err)
}

// Stats counts the servers of the installation by health, in one indexed query. A health that changed by the passing of
// time alone counts from the next RunDue on. For a gauge of each token's expiry, walk through [Runner.Servers]: a view has
// Token.Expires.
func (r *Runner) Stats(ctx context.Context) (map[enrollment.Health]int, error) {
	return r.countByHealth(ctx, KindServer)
}

func (r *Runner) countByHealth(ctx context.Context, kind string) (map[enrollment.Health]int, error) {
	counts, err := r.store.Count(ctx, storage.Query{Kind: kind, AllTenants: true})
	if err != nil {
		return nil, asProblem(err)
	}
	out := make(map[enrollment.Health]int, len(counts))
	for state, n := range counts {
		out[enrollment.Health(state)] = n
	}
	return out, nil
}
