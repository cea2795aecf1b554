package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type auditExport struct {
	After int64 `placeholder:"POSITION" help:"Only what stands behind this position: that of the last line of the export before."`
}

func (*auditExport) subject() subject { return subject{ID: "audit"} }

func (*auditExport) Help() string {
	return `Prints who did what in all tenants, a JSON object in each line, for a log collector. No entry is skipped or moved, so the
position of the last line is where the next export goes on (--after).`
}

type exported struct {
	subject
	runner.LoggedEntry
}

type exports []exported

// text is JSON, too: whoever exports has a program read it.
func (a exports) text(w io.Writer) {
	for _, e := range a {
		text, _ := json.Marshal(e) // numbers, times and texts: it cannot fail
		fmt.Fprintf(w, "%s\n", text)
	}
}

func (c *auditExport) do(ctx context.Context, h *host) (answer, error) {
	if c.After < 0 {
		return nil, wrong("after", "a position: 0 or more")
	}
	if err := h.open(ctx, needs); err != nil {
		return nil, err
	}
	list := exports{}
	for after := c.After; ; {
		page, err := h.lib.ExportAudit(ctx, after, storage.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			list = append(list, exported{entrySubject(e.AuditEntry), e})
			after = e.Position
		}
		if len(page) < storage.MaxPage {
			return list, nil
		}
	}
}

// entrySubject names an audit entry, and the server, renewal or plan that it is about.
func entrySubject(e enrollment.AuditEntry) subject {
	s := subject{}
	switch {
	case isServer(e.Subject):
		s = about(e.Subject)
	case isPlan(e.Subject):
		s = aboutPlan(e.Subject)
	}
	s.ID, s.Renewal = e.Subject+"/"+strconv.FormatInt(e.Seq, 10), enrollment.RenewalID(e.Detail["renewal"])
	return s
}
