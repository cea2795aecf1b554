package main

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The commands that do one thing to one renewal.

type renewConfirm struct {
	ID string `arg:"" name:"renewal" placeholder:"RENEWAL" help:"The renewal's ID; a server's stands for its renewal under way."`
}

func (c *renewConfirm) subject() subject { return about(c.ID) }

func (c *renewConfirm) do(ctx context.Context, h *host) (answer, error) {
	return h.onRenewal(ctx, c.ID, func(ctx context.Context, id enrollment.RenewalID) (runner.RenewalView, error) {
		return h.tenant().Confirm(ctx, h.actor(), id)
	})
}

type renewShow struct {
	ID string `arg:"" name:"renewal" placeholder:"RENEWAL" help:"The renewal's ID; a server's stands for its renewal under way."`
}

func (c *renewShow) subject() subject { return about(c.ID) }

func (c *renewShow) do(ctx context.Context, h *host) (answer, error) {
	return h.onRenewal(ctx, c.ID, func(ctx context.Context, id enrollment.RenewalID) (runner.RenewalView, error) {
		return h.tenant().Renewal(ctx, h.actor(), id)
	})
}

type renewCancel struct {
	ID string `arg:"" name:"renewal" placeholder:"RENEWAL" help:"The renewal's ID; a server's stands for its renewal under way."`
}

func (c *renewCancel) subject() subject { return about(c.ID) }

func (c *renewCancel) do(ctx context.Context, h *host) (answer, error) {
	return h.onRenewal(ctx, c.ID, func(ctx context.Context, id enrollment.RenewalID) (runner.RenewalView, error) {
		return h.tenant().Cancel(ctx, h.actor(), id)
	})
}

type renewRecheck struct {
	ID string `arg:"" name:"renewal" placeholder:"RENEWAL" help:"The renewal's ID; a server's stands for its renewal under way."`
}

func (c *renewRecheck) subject() subject { return about(c.ID) }

func (c *renewRecheck) do(ctx context.Context, h *host) (answer, error) {
	return h.onRenewal(ctx, c.ID, func(ctx context.Context, id enrollment.RenewalID) (runner.RenewalView, error) {
		return h.tenant().Recheck(ctx, h.actor(), id)
	})
}
