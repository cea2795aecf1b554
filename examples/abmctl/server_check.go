package main

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type serverCheck struct {
	ID string `arg:"" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
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

// trouble is what keeps a token from being used; nil: nothing.
func trouble(v runner.ServerView) *enrollment.Problem {
	switch {
	case v.Health == enrollment.Missing:
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "this server has no token yet",
			"next", "Upload its first one: abmctl renew upload "+string(v.ID)+" FILE.p7m")
	case v.Health == enrollment.Expired:
		p := enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", v.Token.Expires.Format(time.RFC3339))
		p.Title, p.Next = "The token in use expired on "+day(v.Token.Expires), "Renew it: abmctl renew start "+string(v.ID)
		return p
	case v.Failures > 0:
		return enrollment.NewProblem(enrollment.CodeUnreachable)
	case v.Problem != nil:
		return v.Problem
	case v.Health == enrollment.Rejected:
		reason := v.Reason
		if reason != "" {
			reason = " (" + reason + ")"
		}
		return enrollment.NewProblem(enrollment.CodeRejected, "reason", reason, "admin", v.Admin)
	case v.Health == enrollment.TermsPending:
		return enrollment.NewProblem(enrollment.CodeTermsPending, "organization", v.Pin.OrgName)
	}
	return nil
}
