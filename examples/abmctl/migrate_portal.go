package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/portal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Where a customer has no API account, a person assigns the devices of a batch at Apple's portal.

type batchArg struct {
	planArg
	Batch string `arg:"" placeholder:"BATCH" help:"The batch's ID; see abmctl migrate batches PLAN."`
}

func (c batchArg) subject() subject { return subject{ID: c.Batch, Plan: c.Plan} }

// batch finds a batch of a plan.
func (h *host) batch(ctx context.Context, c batchArg) (found runner.BatchView, err error) {
	err = h.eachBatch(ctx, c.Plan, func(v runner.BatchView) {
		if v.ID == c.Batch {
			found = v
		}
	})
	if err == nil && found.ID == "" {
		problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "batch "+c.Batch+" of this plan")
		problem.Next = "See: abmctl migrate batches " + string(c.Plan)
		return found, problem
	}
	return found, withoutPlan(err)
}

type migrateSerials struct {
	batchArg
	Out     string            `placeholder:"FILE.csv" help:"Where to write the serial numbers (standard output)."`
	Portal  portal.Generation `placeholder:"YEAR" help:"The look of the portal: 2026, 2025 or 2024 (the newest)."`
	Product portal.Product    `placeholder:"PRODUCT" help:"business or school (business)."`
}

// Help is shown with --help.
func (*migrateSerials) Help() string {
	return `Hands out the serial numbers of a batch that the new service does not show yet, as Apple's portal takes them, and says
what to click there. When it is done: abmctl migrate recheck PLAN BATCH. The plan goes on as the new service shows the devices.`
}

type serialsAnswer struct {
	batchRow
	Serials []string     `json:"serials"`
	File    string       `json:"file,omitempty"` // where they were written
	Guide   portal.Guide `json:"guide"`

	csv string
}

func (a serialsAnswer) text(w io.Writer) {
	if a.File == "" {
		fmt.Fprint(w, a.csv)
		return
	}
	fmt.Fprintf(w, "%d serial numbers are in %s\n\n%s", len(a.Serials), a.File, a.Guide.Text())
}

func (c *migrateSerials) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	b, err := h.batch(ctx, c.batchArg)
	if err != nil {
		return nothing{c.subject()}, err
	}
	to, err := h.tenant().Server(ctx, b.Route.To)
	if err != nil {
		return nothing{c.subject()}, err
	}
	task := portal.Assign
	if b.Kind == enrollment.MigrateDevices {
		task = portal.Migrate
	}
	guide, err := portal.Steps(task, portal.Options{Generation: c.Portal, Product: c.Product, Server: to.Name})
	if err != nil {
		return nil, unknownSteps(err)
	}
	ans := serialsAnswer{batchRow: answerBatch(b), Serials: []string{}, Guide: guide, csv: b.CSV()}
	for _, d := range b.Devices {
		if d.Stage == migration.StageMissing {
			ans.Serials = append(ans.Serials, d.Serial)
		}
	}
	if c.Out != "" {
		ans.File = c.Out
		if err := writeNew(c.Out, []byte(ans.csv), 0o644); err != nil {
			return nothing{c.subject()}, err
		}
	} else {
		h.hint("%s", guide.Text())
	}
	h.hint("When it is done: abmctl migrate recheck %s %s", c.Plan, c.Batch)
	return ans, nil
}

type migrateRecheck struct{ batchArg }

// Help is shown with --help.
func (*migrateRecheck) Help() string {
	return `Says that the devices of a batch were assigned at Apple's portal: the new service is looked at now.`
}

func (c *migrateRecheck) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	if _, err := h.batch(ctx, c.batchArg); err != nil {
		return nothing{c.subject()}, err
	}
	done := h.waiting("Asking Apple")
	err := h.tenant().RecheckBatch(ctx, h.actor(), c.Batch)
	done()
	b, lookErr := h.batch(ctx, c.batchArg)
	if lookErr != nil {
		return nothing{c.subject()}, lookErr
	}
	return answerBatch(b), err
}
