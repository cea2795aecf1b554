package main

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type serverCheck struct {
	ID string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
}

func (c *serverCheck) subject() subject { return about(c.ID) }

func (c *serverCheck) do(ctx context.Context, h *host) (answer, error) {
	var found *enrollment.Problem
	ans, err := h.onServer(ctx, c.ID, func(ctx context.Context, id enrollment.ServerID) (runner.ServerView, error) {
		defer h.waiting("Asking Apple")()
		view, err := h.tenant().CheckServer(ctx, h.actor(), id)
		if err == nil {
			found = trouble(view)
		}
		return view, err
	})
	if err == nil && found != nil {
		err = found
	}
	return ans, err
}

// trouble is what keeps a token from being used, or from being judged; nil: nothing.
func trouble(v runner.ServerView) *enrollment.Problem {
	switch {
	case v.Health == enrollment.Missing:
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "this server has no token yet",
			"next", "Upload its first one: abmctl renew upload "+string(v.ID)+" FILE.p7m")
	case v.Health == enrollment.Expired:
		v.Problem.Next = "Renew it: abmctl renew start " + string(v.ID)
		return v.Problem
	case v.Silence != nil:
		return v.Silence
	}
	return v.Problem
}
