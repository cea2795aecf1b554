package main

import (
	"context"
	"errors"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

func isRenewal(id string) bool { return strings.HasPrefix(id, "rnw_") }

func isServer(id string) bool { return strings.HasPrefix(id, "srv_") }

// server finds a server of the tenant by its ID, or by its name if only one in use has it.
func (h *host) server(ctx context.Context, id string) (enrollment.ServerID, error) {
	_, err := h.tenant().Server(ctx, enrollment.ServerID(id))
	if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return enrollment.ServerID(id), err
	}
	var named []string
	if err := h.eachServer(ctx, runner.ServerQuery{}, false, func(v runner.ServerView) {
		if v.Name == id && !v.Retired() {
			named = append(named, string(v.ID))
		}
	}); err != nil {
		return "", err
	}
	switch len(named) {
	case 0:
		return "", err
	case 1:
		return enrollment.ServerID(named[0]), nil
	}
	return "", wrong("server", "an ID, because several have this name: "+strings.Join(named, ", "))
}

// renewal finds a renewal by its ID, or as the one that is under way for a server.
func (h *host) renewal(ctx context.Context, id string) (enrollment.RenewalID, error) {
	if isRenewal(id) {
		return enrollment.RenewalID(id), nil
	}
	server, err := h.server(ctx, id)
	if err != nil {
		return "", err
	}
	view, err := h.tenant().Server(ctx, server)
	switch {
	case err != nil:
		return "", err
	case view.LiveRun == nil:
		problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "renewal under way for this server")
		problem.Next = "Start one with: abmctl renew start " + string(server)
		return "", problem
	}
	return view.LiveRun.ID, nil
}

// eachServer walks through the tenant's servers, or all of the installation's.
func (h *host) eachServer(ctx context.Context, q runner.ServerQuery, everywhere bool, see func(runner.ServerView)) error {
	list := h.tenant().Servers
	if everywhere {
		list = h.lib.Servers
	}
	var damaged error
	for {
		page, err := list(ctx, q)
		if err != nil {
			return err
		}
		for _, v := range page.Servers {
			see(v)
		}
		if len(page.Damaged) > 0 && damaged == nil {
			damaged = page.Damaged[0]
		}
		if !page.More {
			return damaged
		}
		q.After = page.Next
	}
}
