package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type auditShow struct {
	ID string `arg:"" name:"subject" placeholder:"SUBJECT" help:"A server's ID or name, the ID of a renewal, push certificate or plan, a tenant, or: installation."`
}

func (c *auditShow) subject() subject { return subject{ID: c.ID} }

type entry struct {
	subject
	enrollment.AuditEntry
}

type entries []entry

func (a entries) text(w io.Writer) {
	for _, e := range a {
		fmt.Fprintf(w, "%s  %-20s %s", e.At.UTC().Format(time.RFC3339), e.Act, who(e.By))
		for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
			fmt.Fprintf(w, "  %s=%s", name, e.Detail[name])
		}
		fmt.Fprintln(w)
	}
}

// who is an actor in one word or two: Tess (u-7) from 203.0.113.9.
func who(by enrollment.Actor) string {
	text := by.ID
	if by.Name != "" && by.Name != by.ID {
		text = by.Name + " (" + by.ID + ")"
	}
	if by.Source != "" {
		text += " from " + by.Source
	}
	return text
}

func (c *auditShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	read, err := c.reader(ctx, h)
	if err != nil {
		return nil, err
	}
	list := entries{}
	for after := int64(0); ; {
		page, err := read(after)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			list = append(list, entry{entrySubject(e), e})
			after = e.Seq
		}
		if len(page) < storage.MaxPage {
			break
		}
	}
	if len(list) == 0 {
		return nil, enrollment.NewProblem(enrollment.CodeNotFound, "what", "subject of the audit")
	}
	return list, nil
}

// reader finds whose history is meant: the installation's, a tenant's, or that of a renewal, or of a server by its ID or name.
func (c *auditShow) reader(ctx context.Context, h *host) (func(after int64) ([]enrollment.AuditEntry, error), error) {
	if c.ID == runner.InstallationSubject {
		return func(after int64) ([]enrollment.AuditEntry, error) { return h.lib.Audit(ctx, after, storage.MaxPage) }, nil
	}
	// A tenant is asked in its own scope, whatever --tenant says.
	tenant, subject := h.tenant(), c.ID
	if _, err := h.lib.Tenant(enrollment.TenantID(c.ID)).Show(ctx); err == nil {
		tenant = h.lib.Tenant(enrollment.TenantID(c.ID))
	} else if found, err := h.server(ctx, c.ID); err == nil {
		subject = string(found)
	} else if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeInvalidInput}) {
		return nil, err // several have this name
	}
	return func(after int64) ([]enrollment.AuditEntry, error) {
		return tenant.Audit(ctx, subject, after, storage.MaxPage)
	}, nil
}
