package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// PushView is a push certificate as a person sees it: what is kept, and what follows from it now.
type PushView struct {
	enrollment.Push
	Condition
	// OfAccount says that the tenant has none of its own, and that this is the account's (see Config.PushAccount), which it
	// uses. What may be asked of it is asked in the scope of Tenant.
	OfAccount bool `json:"of_account,omitempty"`
	// Report has every single check of the certificate, and what Apple said last, where one was asked for.
	Report *apns.Report `json:"report,omitempty"`
	// LiveRun is the renewal under way, where one was asked for. What may be asked of it depends on who asks: see
	// [Tenant.PushRenewal].
	LiveRun *PushRenewalView `json:"live_renewal,omitempty"`
}

// Push returns the push certificate that the tenant's devices hear: its own, with every check and its live renewal, or the
// account's, also while the tenant's own first one is under way: then with that one's renewal. The error's code is not_found
// where there is none.
func (t *Tenant) Push(ctx context.Context) (PushView, error) {
	c, err := t.look(ctx)
	if err != nil {
		return PushView{}, err
	}
	p, err := c.ownPush(ctx)
	if err != nil {
		return PushView{}, asProblem(err)
	}
	var own PushView
	if p != nil {
		if own, err = t.r.viewPush(ctx, c, p); err != nil || own.Certificate != nil {
			return own, asProblem(err)
		}
	}
	account := t.r.cfg.PushAccount
	if account == "" || account == t.id {
		if p == nil {
			err = noPush()
		}
		return own, asProblem(err)
	}
	view, err := t.r.Tenant(account).Push(ctx)
	if p != nil && (err != nil || view.Certificate == nil) {
		return own, nil // the account has nothing to serve it by either
	}
	view.OfAccount, view.Allowed, view.LiveRun = true, own.Allowed, own.LiveRun
	return view, err
}

func (r *Runner) viewPush(ctx context.Context, c *change, p *tracked[pushRecord]) (PushView, error) {
	view := c.glance().viewPush(p.Value)
	live, err := c.livePush(ctx, p)
	if err != nil {
		return view, err
	}
	if live != nil {
		view.LiveRun = &PushRenewalView{PushRenewal: live.Value}
	}
	if p.Value.Certificate == nil {
		return view, nil
	}
	cert, err := c.openPush(ctx, p.Value.Push, *p.Value.Certificate)
	if err != nil {
		return view, err
	}
	report := apns.Inspect(cert, c.rules())
	if p.Value.Said != nil {
		report.Findings = append(report.Findings, *p.Value.Said)
	}
	view.Report = &report
	return view, nil
}

func (g glance) viewPush(p pushRecord) PushView {
	v := PushView{Push: p.Push, Condition: g.condition(p.care)}
	v.Allowed = g.allowedOfPush(p)
	switch v.Health {
	case enrollment.Expired:
		v.Problem = enrollment.NewProblem(enrollment.CodePushOver, "expired", p.Certificate.Expires.Format(time.DateOnly))
	case enrollment.Rejected:
		v.Causes = enrollment.PushRejectionCauses()
		v.Problem = pushTrouble(enrollment.AnswerRejected, v.Reason)
	}
	return v
}

func (g glance) allowedOfPush(p pushRecord) []renewal.EventName {
	if p.Retired() || !g.open {
		return nil
	}
	names := []renewal.EventName{EventImport}
	if !p.keptByHost() {
		names = append(names, renewal.EventStart)
	}
	if p.Latest != "" {
		names = append(names, renewal.EventCertificateUploaded)
	}
	return append(append(names, g.wishes(p.Watch)...), EventRetire)
}

func (p pushRecord) keptByHost() bool { return p.Certificate != nil && p.Certificate.HostKept }

// PushPage is one part of a list of push certificates.
type PushPage struct {
	Pushes []PushView
	Next   storage.Position // where the next page begins; meaningful only if More
	More   bool
	// Damaged has an error for each push certificate whose record cannot be read; the others are listed all the same.
	Damaged []error
}

// PushQuery narrows a list of push certificates; zero values: any.
type PushQuery struct {
	Health enrollment.Health // as of the last RunDue, where it changes by the passing of time alone
	Page
}

// Pushes lists the tenant's push certificates by ID, retired ones included. There is no report in the views.
func (t *Tenant) Pushes(ctx context.Context, q PushQuery) (PushPage, error) {
	if _, err := t.opened(ctx); err != nil {
		return PushPage{}, err
	}
	return t.r.listPushes(ctx, storage.Query{Tenant: string(t.id)}, q)
}

// Pushes lists all push certificates of the installation by tenant and ID. There is no report in the views.
func (r *Runner) Pushes(ctx context.Context, q PushQuery) (PushPage, error) {
	return r.listPushes(ctx, storage.Query{AllTenants: true}, q)
}

func (r *Runner) listPushes(ctx context.Context, base storage.Query, q PushQuery) (PushPage, error) {
	base.State = string(q.Health)
	base, err := q.query(base)
	if err != nil {
		return PushPage{}, err
	}
	seen, err := r.glances(ctx)
	if err != nil {
		return PushPage{}, asProblem(err)
	}
	var out PushPage
	out.Pushes, out.Damaged, out.Next, out.More, err = list(ctx, r.pushes, r.store, base, func(item pushItem) (PushView, error) {
		g, err := seen.of(ctx, item.Tenant)
		return g.viewPush(item.Value), err
	})
	return out, asProblem(err)
}

// PushStats counts the push certificates of the installation by health, as [Runner.Stats] does the servers.
func (r *Runner) PushStats(ctx context.Context) (map[enrollment.Health]int, error) {
	return r.countByHealth(ctx, KindPush)
}
