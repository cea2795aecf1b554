package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type serverList struct {
	All    bool              `help:"Of all tenants."`
	Health enrollment.Health `placeholder:"HEALTH" help:"Only those with this health: missing, expired, rejected, terms_pending, expiring, unreachable, never_checked, active or retired."`
}

func (c *serverList) subject() subject { return subject{} }

func (c *serverList) do(ctx context.Context, h *host) (answer, error) {
	if c.Health != "" && !slices.Contains(healths(), string(c.Health)) { // a slip would read as: all is well
		return nil, wrong("health", "one of "+strings.Join(healths(), ", "))
	}
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	list := serversAnswer{}
	err := h.eachServer(ctx, runner.ServerQuery{Site: h.Site}, c.All, func(v runner.ServerView) {
		// Compared here, because the index knows of a change by time alone only after the next run.
		if c.Health == "" || healthText(v) == string(c.Health) {
			list = append(list, aboutServer(v))
		}
	})
	slices.SortStableFunc(list, func(a, b serverAnswer) int { return a.end().Compare(b.end()) })
	return list, err
}

// healths are the words that a server's health may be asked for with.
func healths() []string {
	return []string{
		string(enrollment.Missing), string(enrollment.Expired), string(enrollment.Rejected), string(enrollment.TermsPending),
		string(enrollment.Expiring), string(enrollment.Unreachable), string(enrollment.NeverChecked), string(enrollment.Active),
		"retired",
	}
}

func (a serverAnswer) end() time.Time {
	var expires time.Time
	if a.Token != nil {
		expires = a.Token.Expires
	}
	return sortedEnd(a.Retired(), expires)
}

// sortedEnd sorts what ends first to the top, and below it what has no end: what has no credential, and what is retired.
func sortedEnd(retired bool, expires time.Time) time.Time {
	never := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case retired:
		return never.AddDate(1, 0, 0)
	case expires.IsZero():
		return never
	}
	return expires
}

type serverShow struct {
	ID string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
}

func (c *serverShow) subject() subject { return about(c.ID) }

func (c *serverShow) do(ctx context.Context, h *host) (answer, error) {
	return h.onServer(ctx, c.ID, h.showServer)
}

func (h *host) showServer(ctx context.Context, id enrollment.ServerID) (runner.ServerView, error) {
	return h.tenant().Server(ctx, id)
}

type serverRetire struct {
	ID string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
}

func (c *serverRetire) subject() subject { return about(c.ID) }

func (c *serverRetire) do(ctx context.Context, h *host) (answer, error) {
	return h.onServer(ctx, c.ID, func(ctx context.Context, id enrollment.ServerID) (runner.ServerView, error) {
		return h.tenant().RetireServer(ctx, h.actor(), id)
	})
}

// onServer opens the store, finds the server and does something with it.
func (h *host) onServer(
	ctx context.Context, name string, do func(context.Context, enrollment.ServerID) (runner.ServerView, error),
) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.server(ctx, name)
	if err != nil {
		return nil, err
	}
	view, err := do(ctx, id)
	if err != nil {
		return failedAnswer(about(string(id))), err
	}
	return aboutServer(view), nil
}

// failedAnswer says no more than what was named.
func failedAnswer(s subject) answer { return nothing{s} }
