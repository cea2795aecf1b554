package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// switchScope is whose kill switch a command is about.
type switchScope struct {
	Installation bool `help:"That of the whole installation, not the tenant's."`
}

// switchPort are the calls of one kill switch.
type switchPort struct {
	id    string
	of    enrollment.TenantID // empty: the installation
	show  func(context.Context) (migration.Switch, error)
	throw func(context.Context, enrollment.Actor, string) (migration.Switch, error)
	lift  func(context.Context, enrollment.Actor) (runner.ProposalView, error)
}

func (c switchScope) port(h *host) switchPort {
	if c.Installation {
		return switchPort{installationID, "", h.lib.Switch, h.lib.ThrowSwitch, h.lib.LiftSwitch}
	}
	t := h.tenant()
	return switchPort{string(h.Tenant), h.Tenant, t.Switch, t.ThrowSwitch, t.LiftSwitch}
}

// switchAnswer is a kill switch.
type switchAnswer struct {
	subject
	migration.Switch
	// Installation is the installation's, which holds beside a tenant's own.
	Installation *migration.Switch `json:"installation,omitempty"`
	Proposal     *proposalAnswer   `json:"proposal,omitempty"`

	of enrollment.TenantID
}

func (a switchAnswer) text(w io.Writer) {
	row := func(of enrollment.TenantID, s migration.Switch) {
		switch {
		case s.Thrown:
			fmt.Fprintf(w, "The kill switch of %s is thrown since %s by %s", ofWhom(of), s.At.Format(time.RFC3339), who(s.By))
			if s.Reason != "" {
				fmt.Fprintf(w, ": %s", s.Reason)
			}
		case s.At.IsZero():
			fmt.Fprintf(w, "The kill switch of %s was never thrown", ofWhom(of))
		default:
			fmt.Fprintf(w, "The kill switch of %s was lifted at %s by %s", ofWhom(of), s.At.Format(time.RFC3339), who(s.By))
		}
		fmt.Fprintln(w)
	}
	row(a.of, a.Switch)
	if a.Installation != nil {
		row("", *a.Installation)
	}
	if a.Proposal != nil {
		a.Proposal.text(w)
	}
}

type killSwitchShow struct{ switchScope }

func (*killSwitchShow) subject() subject { return subject{} }

func (c *killSwitchShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	p := c.port(h)
	held, err := p.show(ctx)
	if err != nil {
		return nil, err
	}
	ans := switchAnswer{subject: subject{ID: p.id}, of: p.of, Switch: held}
	if !c.Installation {
		whole, err := h.lib.Switch(ctx)
		if err != nil {
			return nil, err
		}
		ans.Installation = &whole
	}
	return ans, nil
}

type killSwitchOn struct {
	switchScope
	Reason string `placeholder:"TEXT" help:"Why, for everybody who looks."`
}

// Help is shown with --help.
func (*killSwitchOn) Help() string {
	return `From the moment in which this command has ended no wipe leaves any more. Those that have left are withdrawn where the
MDM can do that, and listed as outstanding where it cannot: abmctl migrate moves PLAN.`
}

func (*killSwitchOn) subject() subject { return subject{} }

func (c *killSwitchOn) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, needs); err != nil { // a slip in --store would stop nobody
		return nil, err
	}
	p := c.port(h)
	thrown, err := p.throw(ctx, h.actor(), c.Reason)
	if err != nil {
		return nothing{subject{ID: p.id}}, err
	}
	return switchAnswer{subject: subject{ID: p.id}, of: p.of, Switch: thrown}, nil
}

type killSwitchOff struct{ switchScope }

// Help is shown with --help.
func (*killSwitchOff) Help() string {
	return `The switch stays thrown until somebody else has approved the proposal that this command makes.`
}

func (*killSwitchOff) subject() subject { return subject{} }

func (c *killSwitchOff) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	p := c.port(h)
	held, err := p.show(ctx)
	if err != nil {
		return nil, err
	}
	ans := switchAnswer{subject: subject{ID: p.id}, of: p.of, Switch: held}
	if !held.Thrown {
		return ans, nil
	}
	proposal, err := p.lift(ctx, h.actor())
	if err == nil {
		ans.Proposal = h.proposed(proposal, enrollment.Policy{})
	}
	return ans, err
}
