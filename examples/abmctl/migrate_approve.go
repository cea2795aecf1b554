package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type migrateApprove struct {
	planArg
	Digest    string `placeholder:"DIGEST" help:"That of the plan as you saw it; see abmctl migrate show and moves. Needed where nobody can be asked."`
	Signature string `placeholder:"FILE" help:"Your signature; see abmctl approval text."`
}

// Help is shown with --help.
func (*migrateApprove) Help() string {
	return `Somebody other than the author approves a plan that wipes devices: exactly what its digest stands for, which is every
device with what happens to it. Look at them first: abmctl migrate moves PLAN.`
}

// askedDigits are how many characters of the digest a person types.
const askedDigits = 8

func (c *migrateApprove) do(ctx context.Context, h *host) (answer, error) {
	signature, err := h.signature(c.Signature)
	if err != nil {
		return nil, err
	}
	ans, err := h.onPlan(ctx, c.planArg, func(ctx context.Context) (runner.PlanView, error) {
		digest, err := c.seen(ctx, h)
		if err != nil {
			return runner.PlanView{}, err
		}
		return h.tenant().ApprovePlan(ctx, h.actor(), c.Plan, runner.Approved{Digest: digest, Signature: signature})
	})
	return ans, unsigned(err)
}

// seen is the digest of what the person saw.
func (c *migrateApprove) seen(ctx context.Context, h *host) (string, error) {
	if c.Digest != "" {
		return strings.ToLower(strings.TrimSpace(c.Digest)), nil
	}
	view, err := h.tenant().Plan(ctx, h.actor(), c.Plan)
	if err != nil {
		return "", err
	}
	problem := enrollment.NewProblem(enrollment.CodeRefused, "state", string(view.State))
	problem.Title = "An approval names the digest of what was seen"
	problem.Next = "Look at the plan: abmctl migrate show " + string(c.Plan) + ", migrate moves " + string(c.Plan) +
		"; then repeat this with --digest and the digest that stands there"
	if !h.terminal || h.JSON || h.Quiet || len(view.Digest) < askedDigits {
		return "", problem
	}
	answerPlan(view).text(h.err)
	fmt.Fprintf(h.err, "\nTo approve that %d devices are erased and %d more are moved, type the first %d characters of the digest: ",
		view.ToWipe(), view.Listing.Devices-view.Excluded.Devices-view.ToWipe(), askedDigits)
	typed, err := bufio.NewReader(io.LimitReader(h.in, 1000)).ReadString('\n')
	if err != nil && typed == "" || strings.TrimSpace(typed) != view.Digest[:askedDigits] {
		problem.Title = "That is not the digest; nothing was approved"
		return "", problem
	}
	return view.Digest, nil
}

// unsigned says what is wrong with a signature, and what is to be signed.
func unsigned(err error) error {
	problem := enrollment.ProblemOf(err)
	if problem == nil {
		return nil
	}
	if problem.Code == enrollment.CodeRefused && problem.Args["state"] == "unsigned" {
		problem.Title = "The approval is not signed by a key of this person"
		problem.Next = "Sign what abmctl approval text prints, and hand the signature over with --signature"
		if cause := problem.Unwrap(); cause != nil {
			problem.Title += ": " + cause.Error()
		}
	}
	return problem
}
