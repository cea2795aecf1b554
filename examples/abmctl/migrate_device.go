package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The commands that do one thing to one device of a plan.

type deviceArg struct {
	planArg
	Serial string `arg:"" placeholder:"SERIAL" help:"The device's serial number."`
}

type migrateExclude struct{ deviceArg }

// Help is shown with --help.
func (*migrateExclude) Help() string {
	return `The device is left alone. The plan only shrinks by that, so its approval stays.`
}

func (c *migrateExclude) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().ExcludeDevice(ctx, h.actor(), c.Plan, c.Serial)
	})
}

type migrateRetry struct{ deviceArg }

func (c *migrateRetry) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().RetryDevice(ctx, h.actor(), c.Plan, c.Serial)
	})
}

type migrateCancelDevice struct{ deviceArg }

func (c *migrateCancelDevice) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().CancelDevice(ctx, h.actor(), c.Plan, c.Serial)
	})
}

type migrateReplace struct{ deviceArg }

// Help is shown with --help.
func (*migrateReplace) Help() string {
	return `Takes a device that does not come by out of the present wave, so that another is called in its place.`
}

func (c *migrateReplace) do(ctx context.Context, h *host) (answer, error) {
	return h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		return h.tenant().ReplaceDevice(ctx, h.actor(), c.Plan, c.Serial)
	})
}

type migratePIN struct{ deviceArg }

// Help is shown with --help.
func (*migratePIN) Help() string {
	return `Shows the PIN that unlocks a Mac which was wiped by locking it. Who looked is written down.`
}

type pinAnswer struct {
	subject
	PIN string `json:"pin"`
}

func (a pinAnswer) text(w io.Writer) { fmt.Fprintln(w, a.PIN) }

func (c *migratePIN) do(ctx context.Context, h *host) (answer, error) {
	s := subject{ID: enrollment.NormalSerial(c.Serial), Plan: c.Plan}
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	pin, err := h.tenant().PIN(ctx, h.actor(), c.Plan, c.Serial)
	if err != nil {
		return nothing{s}, withoutPlan(err)
	}
	return pinAnswer{s, pin.Reveal()}, nil
}
