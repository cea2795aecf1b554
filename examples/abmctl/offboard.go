package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
)

type offboard struct {
	Who enrollment.TenantID `arg:"" name:"tenant-id" placeholder:"TENANT" help:"The tenant to erase."`
	Yes bool                `help:"Erase, although its tokens and keys can never be read again. Needed at a terminal only: a script erases without it."`
}

func (c *offboard) subject() subject { return subject{ID: string(c.Who)} }

type offboarded struct {
	subject
	State enrollment.TenantState `json:"state"`
}

func (a offboarded) text(w io.Writer) { fmt.Fprintf(w, "%s is %s; its audit stays\n", a.ID, a.State) }

func (c *offboard) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	t := h.lib.Tenant(c.Who)
	tenant, err := t.Show(ctx)
	if problem := enrollment.ProblemOf(err); problem != nil {
		if problem.Code == enrollment.CodeNotFound {
			problem.Next = "Check its ID with: abmctl server list --all; abmctl push list --all"
		}
		return nil, problem
	}
	if h.terminal && !c.Yes { // a mistyped name is a person's slip
		problem := enrollment.NewProblem(enrollment.CodeRefused, "state", string(tenant.State))
		problem.Title = "This erases every token and key of " + string(c.Who) + ", for good"
		problem.Next = "Repeat it with --yes"
		return offboarded{c.subject(), tenant.State}, problem
	}
	defer h.waiting("Erasing")()
	if err := t.Close(ctx, h.actor()); err != nil && tenant.State != enrollment.TenantErased {
		return offboarded{c.subject(), tenant.State}, err
	}
	if err := t.Erase(ctx, h.actor()); err != nil {
		return offboarded{c.subject(), enrollment.TenantClosed}, err
	}
	return offboarded{c.subject(), enrollment.TenantErased}, h.forget(ctx, c.Who)
}
