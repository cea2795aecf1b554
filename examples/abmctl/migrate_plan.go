package main

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type migratePlan struct {
	From       string             `placeholder:"SERVER" help:"The server that the devices leave, by ID or name. Left out where its service is gone at Apple; then the list is believed."`
	To         string             `placeholder:"SERVER" required:"" help:"The server that they go to."`
	All        bool               `xor:"which" required:"" help:"Every device that is assigned to --from."`
	Devices    string             `xor:"which" required:"" placeholder:"F.csv" help:"The devices of a list; see below."`
	Strategy   migration.Strategy `enum:"auto,reassign,migrate,wipe" default:"auto" help:"auto: for each device the way that does it least harm; or one of reassign, migrate, wipe where that is possible (${default})."`
	Deadline   duration           `placeholder:"30d" help:"How long devices have that change their MDM without an erase (the policy's migration-deadline)."`
	Profile    string             `placeholder:"UUID" help:"Another enrollment profile than the one of --to; see abmctl profile."`
	MDMChanges string             `name:"mdm-changes" enum:"yes,no" default:"yes" help:"no: one MDM stands behind both servers (${default})."`
	MDMReached string             `name:"mdm-reached" enum:"yes,no," default:"" placeholder:"yes|no" help:"Whether commands of the present MDM reach devices (as the tenant's push certificate tells)."`
	Returns    bool               `name:"return-to-service" help:"Set wiped devices up without hands where that exists."`
	Shared     bool               `name:"accept-shared-ipads" help:"Also wipe iPads that are or may be Shared iPads, with the data of everybody who uses them."`
	DryRun     bool               `help:"Show device by device what would happen and why, and store nothing."`
	Plan       enrollment.PlanID  `placeholder:"PLAN" help:"Go on with the list of this plan, which was interrupted."`
}

// Help is shown with --help.
func (*migratePlan) Help() string {
	return `The list is CSV; its first line names the columns. serial is needed; udid (the enrollment ID at the old MDM),
product_family and os_version are known; the others are kept with the device. Rows with problems are told of and left out.

A plan does nothing before it is submitted and, where it wipes devices, approved by others.`
}

func (c *migratePlan) subject() subject {
	if c.Plan != "" {
		return aboutPlan(string(c.Plan))
	}
	return about(c.To)
}

func (c *migratePlan) do(ctx context.Context, h *host) (answer, error) {
	if c.All && c.From == "" {
		return nil, wrong("from", "the server whose devices are meant by --all")
	}
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	wish, err := c.wish(ctx, h)
	if err != nil {
		return nil, err
	}
	list, err := c.list(ctx, h, wish.Route.From)
	if err != nil {
		return nil, err
	}
	defer list.close()
	if c.DryRun {
		return h.dryRun(ctx, wish, list)
	}
	id, fresh := c.Plan, c.Plan == ""
	if fresh {
		view, err := h.tenant().NewPlan(ctx, h.actor(), wish)
		if err != nil {
			return nil, err
		}
		id = view.ID
		h.hint("plan %s", id)
	}
	done := h.waiting("Looking at the devices")
	made, err := h.tenant().ListDevices(ctx, h.actor(), id, list.rows())
	done()
	if err != nil {
		return c.unlisted(ctx, h, id, fresh, list, made.Problems, err)
	}
	ans := answerPlan(made.Plan)
	ans.Rows = list.problems(made.Problems)
	h.hint("Look at its devices, and have it begin: abmctl migrate moves %s; abmctl migrate submit %s", id, id)
	return ans, nil
}

// wish is what the flags ask for.
func (c *migratePlan) wish(ctx context.Context, h *host) (q runner.NewPlan, err error) {
	q = runner.NewPlan{
		Route: migration.Route{Profile: c.Profile, OldMDM: oldMDM, NewMDM: newMDM}, Wish: c.Strategy, Deadline: time.Duration(c.Deadline),
		Reached: enrollment.Known(c.MDMReached), ReturnToService: c.Returns,
	}
	if c.MDMChanges == "no" {
		q.Route.NewMDM = oldMDM
	}
	if q.Route.To, err = h.server(ctx, c.To); err != nil {
		return q, err
	}
	if c.From != "" {
		q.Route.From, err = h.server(ctx, c.From)
	}
	return q, err
}

// unlisted is how a plan stands whose list did not come to its end.
func (c *migratePlan) unlisted(
	ctx context.Context, h *host, id enrollment.PlanID, fresh bool, list *deviceSource, wrong []runner.RowProblem, cause error,
) (answer, error) {
	problem := problemOf(ctx, withoutPlan(cause))
	unfit := list.broken != nil || problem.Code == enrollment.CodeRefused
	if fresh && unfit { // the same list will never do
		if _, err := h.tenant().CancelPlan(context.WithoutCancel(ctx), h.actor(), id); err != nil {
			return nothing{aboutPlan(string(id))}, errors.Join(problem, err)
		}
	}
	if !unfit {
		problem.Next += ". Then go on with the same list: abmctl migrate plan --plan " + string(id) + " ..."
	}
	view, err := h.tenant().Plan(context.WithoutCancel(ctx), h.actor(), id)
	if err != nil {
		return nothing{aboutPlan(string(id))}, problem
	}
	ans := answerPlan(view)
	ans.Rows = list.problems(wrong)
	return ans, problem
}
