package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// nothing is the answer of a command that knows no more than what it is about.
type nothing struct{ subject }

func (nothing) text(io.Writer) {}

// renewalAnswer is one renewal.
type renewalAnswer struct {
	subject
	runner.RenewalView
	CertificateFile string `json:"certificate_file,omitempty"` // where it was written

	told bool // the problem is the command's own, and told beside the answer
}

func (a renewalAnswer) without() answer { a.told = true; return a }

func aboutRenewal(v runner.RenewalView) renewalAnswer {
	return renewalAnswer{subject: subject{ID: string(v.ID), Server: v.Server, Renewal: v.ID}, RenewalView: v}
}

func (a renewalAnswer) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("renewal", string(a.subject.Renewal))
	row("server", string(a.subject.Server))
	row("state", string(a.State))
	if !a.StartedAt.IsZero() {
		row("started", a.StartedAt.Format(time.RFC3339)+" by "+a.StartedBy.ID)
	}
	if a.State == renewal.AwaitingUpload {
		row("waits until", a.LapseAt.Format(time.RFC3339))
	}
	if c := a.Candidate; c != nil {
		row("new token", fmt.Sprintf("expires %s, uploaded by %s", c.Expires.Format(time.RFC3339), c.UploadedBy.ID))
		if c.Account != nil {
			row("belongs to", fmt.Sprintf("%s, service %s, downloaded by %s", c.Account.OrgName, c.Account.ServerName, c.Account.AdminID))
		}
	}
	row("certificate", a.CertificateFile)
	if a.Key != nil && a.Key.Publication != nil {
		row("at Apple", publicationText(*a.Key.Publication))
	}
	if a.RenewalView.Problem != nil && !a.told {
		row("problem", a.RenewalView.Problem.Error())
	}
	for _, warning := range a.Warnings {
		row("warning", warning.Error())
	}
}

// onRenewal opens the store, finds the renewal and does something with it.
func (h *host) onRenewal(
	ctx context.Context, name string, do func(context.Context, enrollment.RenewalID) (runner.RenewalView, error),
) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.renewal(ctx, name)
	if err != nil {
		return nil, err
	}
	done := h.waiting("Working")
	view, err := do(ctx, id)
	done()
	return h.renewalOutcome(ctx, id, view, err)
}

// renewalOutcome shows the renewal as it stands, also beside an error.
func (h *host) renewalOutcome(
	ctx context.Context, id enrollment.RenewalID, view runner.RenewalView, err error,
) (answer, error) {
	if view.ID != "" {
		return aboutRenewal(view), err
	}
	if id == "" {
		return nil, err
	}
	now, lookErr := h.tenant().Renewal(ctx, h.actor(), id)
	if lookErr != nil {
		return nothing{about(string(id))}, err
	}
	return aboutRenewal(now), err
}

// publicationText says whether Apple has the certificate.
func publicationText(p renewal.Publication) string {
	when := p.At.Format(time.RFC3339) + " by " + p.By.ID
	switch {
	case p.Doubtful():
		return "the certificate was sent at " + when + "; whether it arrived is not known, and the token in use may be dead"
	case p.Outcome == enrollment.OK:
		return "the certificate was saved at " + when
	}
	return "the certificate was not taken at " + when
}
