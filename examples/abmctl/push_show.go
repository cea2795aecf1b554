package main

import (
	"context"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type pushShow struct{}

func (c *pushShow) subject() subject { return thePush }

func (c *pushShow) do(ctx context.Context, h *host) (answer, error) { return h.onPush(ctx, h.showPush) }

func (h *host) showPush(ctx context.Context) (runner.PushView, error) { return h.tenant().Push(ctx) }

type pushCheck struct{}

func (c *pushCheck) subject() subject { return thePush }

func (c *pushCheck) do(ctx context.Context, h *host) (answer, error) {
	var found *enrollment.Problem
	ans, err := h.onPush(ctx, func(ctx context.Context) (runner.PushView, error) {
		defer h.waiting("Asking Apple")()
		view, err := h.tenant().CheckPush(ctx, h.actor())
		if err == nil {
			found = pushTrouble(view)
		}
		return view, err
	})
	if err == nil && found != nil {
		err = found
	}
	return ans, err
}

type pushRetire struct {
	Yes bool `help:"Retire it, although no command reaches a device by it any more. Needed at a terminal only."`
}

func (c *pushRetire) subject() subject { return thePush }

func (c *pushRetire) do(ctx context.Context, h *host) (answer, error) {
	if h.terminal && !c.Yes {
		problem := enrollment.NewProblem(enrollment.CodeRefused, "state", "in use")
		problem.Title, problem.Next = "This puts the tenant's push certificate out of use, for good", "Repeat it with --yes"
		return nothing{thePush}, problem
	}
	return h.onPush(ctx, func(ctx context.Context) (runner.PushView, error) {
		return h.tenant().RetirePush(ctx, h.actor())
	})
}

// onPush opens the store and does something with the tenant's push certificate.
func (h *host) onPush(ctx context.Context, do func(context.Context) (runner.PushView, error)) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	view, err := do(ctx)
	if err != nil {
		return nothing{thePush}, withoutPush(err)
	}
	return aboutPush(view), nil
}

// withoutPush says how a tenant that has no push certificate gets one.
func withoutPush(err error) error {
	problem := enrollment.ProblemOf(err)
	if problem.Code == enrollment.CodeNotFound {
		problem.Title = "This tenant has no push certificate, and there is none for the whole account"
		problem.Next = "Take the one in use: abmctl push import; or get the first one: abmctl push renew start"
	}
	return problem
}

type pushList struct {
	All bool `help:"Of all tenants."`
}

func (c *pushList) subject() subject { return thePush }

func (c *pushList) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	read := h.tenant().Pushes
	if c.All {
		read = h.lib.Pushes
	}
	list := pushesAnswer{}
	var damaged error
	for q := (runner.PushQuery{}); ; {
		page, err := read(ctx, q)
		if err != nil {
			return list, err
		}
		for _, v := range page.Pushes {
			list = append(list, aboutPush(v))
		}
		if len(page.Damaged) > 0 && damaged == nil {
			damaged = page.Damaged[0]
		}
		if !page.More {
			break
		}
		q.After = page.Next
	}
	slices.SortStableFunc(list, func(a, b pushAnswer) int { return a.end().Compare(b.end()) })
	return list, damaged
}

func (a pushAnswer) end() time.Time {
	var expires time.Time
	if a.Certificate != nil {
		expires = a.Certificate.Expires
	}
	return sortedEnd(a.Retired(), expires)
}
