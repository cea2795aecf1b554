package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The commands that do one thing to one plan.

type migrateSubmit struct{ planArg }

func (c *migrateSubmit) do(ctx context.Context, h *host) (answer, error) {
	ans, err := h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().SubmitPlan(ctx, h.actor(), c.Plan)
	})
	if p, ok := ans.(planAnswer); ok && err == nil && p.Missing > 0 {
		h.hint("%s to approve it: abmctl --actor NAME migrate approve %s --digest %s", others(p.Missing), c.Plan, p.Digest)
	}
	return ans, err
}

type migrateReject struct {
	planArg
	Reason string `placeholder:"TEXT" help:"Why, for the audit."`
}

func (c *migrateReject) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().RejectPlan(ctx, h.actor(), c.Plan, c.Reason)
	})
}

type migrateStart struct{ planArg }

func (c *migrateStart) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().StartPlan(ctx, h.actor(), c.Plan)
	})
}

type migratePause struct {
	planArg
	Reason string `placeholder:"TEXT" help:"Why, for everybody who looks."`
}

func (c *migratePause) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().PausePlan(ctx, h.actor(), c.Plan, c.Reason)
	})
}

type migrateResume struct{ planArg }

func (c *migrateResume) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().ResumePlan(ctx, h.actor(), c.Plan)
	})
}

type migrateCancel struct{ planArg }

func (c *migrateCancel) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().CancelPlan(ctx, h.actor(), c.Plan)
	})
}

type migrateCancelAll struct{}

// Help is shown with --help.
func (*migrateCancelAll) Help() string {
	return `Gives up every plan of the tenant that is under way: migrations are cancelled at Apple, and wipes that have left are
withdrawn where the MDM can. To stop every wipe first, and of all tenants: abmctl kill-switch on --installation.`
}

func (*migrateCancelAll) subject() subject { return subject{} }

type cancelledAll struct {
	subject
	Cancelled int `json:"cancelled"` // plans
}

func (a cancelledAll) text(w io.Writer) {
	fmt.Fprintf(w, "%d plans of %s are given up\n", a.Cancelled, a.ID)
}

func (*migrateCancelAll) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, needs); err != nil {
		return nil, err
	}
	n, err := h.tenant().CancelAll(ctx, h.actor())
	return cancelledAll{subject{ID: string(h.Tenant)}, n}, err
}

// onPlan opens the store and does something with a plan. The plan is shown as it stands then, also beside an error.
func (h *host) onPlan(ctx context.Context, c planArg, do func(context.Context) (runner.PlanView, error)) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	view, err := do(ctx)
	if err == nil {
		return answerPlan(h.settled(ctx, view)), nil
	}
	now, lookErr := h.tenant().Plan(ctx, h.actor(), c.Plan)
	if lookErr != nil {
		return nothing{c.subject()}, withoutPlan(err)
	}
	return answerPlan(now), withoutPlan(err)
}

// settled does at once what follows from what somebody asked, so that the devices of a plan that is given up are free for another
// one. What is not done by then goes on with abmctl run.
func (h *host) settled(ctx context.Context, view runner.PlanView) runner.PlanView {
	defer h.waiting("Working")()
	if err := h.tenant().Settle(ctx, string(view.ID)); err != nil {
		return view
	}
	if now, err := h.tenant().Plan(ctx, h.actor(), view.ID); err == nil {
		return now
	}
	return view
}
