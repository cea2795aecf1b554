package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type auditShow struct {
	ID string `arg:"" name:"subject" placeholder:"SUBJECT" help:"A server's or renewal's ID, a tenant, or: installation."`
}

func (c *auditShow) subject() subject { return subject{ID: c.ID} }

type entry struct {
	subject
	enrollment.AuditEntry
}

type entries []entry

func (a entries) text(w io.Writer) {
	for _, e := range a {
		fmt.Fprintf(w, "%s  %-20s %s", e.At.UTC().Format(time.RFC3339), e.Act, e.By.ID)
		for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
			fmt.Fprintf(w, "  %s=%s", name, e.Detail[name])
		}
		fmt.Fprintln(w)
	}
}

func (c *auditShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	// A tenant is asked in its own scope, whatever --tenant says.
	read := func(after int64) ([]enrollment.AuditEntry, error) {
		return h.tenant().Audit(ctx, c.ID, after, storage.MaxPage)
	}
	if c.ID == runner.InstallationSubject {
		read = func(after int64) ([]enrollment.AuditEntry, error) { return h.lib.Audit(ctx, after, storage.MaxPage) }
	} else if _, err := h.lib.Tenant(enrollment.TenantID(c.ID)).Show(ctx); err == nil {
		read = func(after int64) ([]enrollment.AuditEntry, error) {
			return h.lib.Tenant(enrollment.TenantID(c.ID)).Audit(ctx, c.ID, after, storage.MaxPage)
		}
	}
	list := entries{}
	for after := int64(0); ; {
		page, err := read(after)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			s := about(e.Subject)
			if !isServer(e.Subject) {
				s = subject{}
			}
			s.ID, s.Renewal = e.Subject+"/"+strconv.FormatInt(e.Seq, 10), enrollment.RenewalID(e.Detail["renewal"])
			list = append(list, entry{s, e})
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
