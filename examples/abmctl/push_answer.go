package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// thePush is the subject of a command as long as nobody knows the ID: a tenant has one push certificate.
var thePush = subject{ID: "push"}

// pushAnswer is one push certificate.
type pushAnswer struct {
	subject
	runner.PushView

	told bool // the problem is the command's own, and told beside the answer
}

func (a pushAnswer) without() answer { a.told = true; return a }

func aboutPush(v runner.PushView) pushAnswer {
	a := pushAnswer{subject: subject{ID: string(v.ID), Push: v.ID}, PushView: v}
	if v.LiveRun != nil {
		a.Renewal = v.LiveRun.ID
	}
	return a
}

func (a pushAnswer) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("push", string(a.subject.Push))
	row("name", a.Name)
	row("tenant", string(a.Tenant))
	if a.OfAccount {
		row("serves", "every tenant without one of its own")
	}
	row("health", pushHealth(a.PushView))
	if c := a.Certificate; c != nil {
		row("topic", c.Topic)
		row("expires", endText(c.Expires, a.DaysLeft))
		row("fingerprint", c.Fingerprint)
		if c.Proven() {
			row("accepted", "by Apple, first at "+c.ProvenAt.Format(time.RFC3339))
		}
	}
	if c := a.Previous; c != nil && !a.Retired() {
		row("kept beside", "the one before, until Apple has accepted this one; it expires "+day(c.Expires))
	}
	if !a.AnsweredAt.IsZero() {
		row("Apple said", fmt.Sprintf("%s at %s", a.Answer, a.AnsweredAt.Format(time.RFC3339)))
	}
	if p := pushTrouble(a.PushView); p != nil && p != a.Silence && !a.Retired() && !a.told {
		row("problem", p.Error())
	}
	if p := a.Silence; p != nil && !a.told {
		row("no answer", p.Error())
	}
	if a.LiveRun != nil {
		row("renewal", fmt.Sprintf("%s, %s", a.LiveRun.ID, a.LiveRun.State))
	}
	writeReport(w, a.Report)
}

// refusedPush is what is known of a file that was refused.
type refusedPush struct {
	subject
	Report *apns.Report `json:"report"`
}

func (a refusedPush) text(w io.Writer) { writeReport(w, a.Report) }

// writeReport lists every single check.
func writeReport(w io.Writer, r *apns.Report) {
	if r == nil {
		return
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %-5s %-11s %s\n", f.Verdict, f.Check, f.Detail)
		if f.Next != "" {
			fmt.Fprintf(w, "  %-17s next: %s\n", "", f.Next)
		}
	}
}

func pushHealth(v runner.PushView) string {
	if v.Retired() {
		return "retired"
	}
	return string(v.Health)
}

// pushesAnswer is a list of push certificates.
type pushesAnswer []pushAnswer

func (a pushesAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PUSH\tTENANT\tNAME\tHEALTH\tDAYS LEFT\tEXPIRES\tTOPIC")
	for _, p := range a {
		left, expires, topic := "-", "-", "-"
		if c := p.Certificate; c != nil {
			left, expires, topic = fmt.Sprint(p.DaysLeft), day(c.Expires), c.Topic
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.subject.Push, p.Tenant, p.Name, pushHealth(p.PushView), left, expires, topic)
	}
	_ = table.Flush() // as every other write to standard output
}

// pushRenewalAnswer is one renewal of a push certificate.
type pushRenewalAnswer struct {
	subject
	runner.PushRenewalView
	RequestFile string `json:"request_file,omitempty"` // where it was written

	told bool // the problem is the command's own, and told beside the answer
}

func (a pushRenewalAnswer) without() answer { a.told = true; return a }

func aboutPushRenewal(v runner.PushRenewalView) pushRenewalAnswer {
	return pushRenewalAnswer{subject: subject{ID: string(v.ID), Push: v.Push, Renewal: v.ID}, PushRenewalView: v}
}

func (a pushRenewalAnswer) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("renewal", string(a.subject.Renewal))
	row("push", string(a.subject.Push))
	row("state", string(a.State))
	row("topic", a.Topic)
	row("started", a.StartedAt.Format(time.RFC3339)+" by "+a.StartedBy.ID)
	if a.State == renewal.PushAwaiting {
		row("waits until", a.LapseAt.Format(time.RFC3339))
	}
	if c := a.Candidate; c != nil {
		row("new one", fmt.Sprintf("expires %s, uploaded by %s", c.Expires.Format(time.RFC3339), c.UploadedBy.ID))
	}
	row("request", a.RequestFile)
	if p := a.PushRenewalView.Problem; p != nil && !a.told {
		row("problem", p.Error())
	}
	for _, warning := range a.Warnings {
		row("warning", warning.Error())
	}
	writeReport(w, a.Report)
}

// pushTrouble is what keeps a push certificate from being used, or from being judged; nil: nothing.
func pushTrouble(v runner.PushView) *enrollment.Problem {
	switch {
	case v.Health == enrollment.Missing:
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "there is no certificate yet",
			"next", "Upload the one from Apple's push certificate portal: abmctl push renew upload FILE.pem")
	case v.Problem != nil:
		return v.Problem
	case v.Silence != nil:
		return v.Silence
	case v.Report == nil:
		return nil
	}
	for _, f := range v.Report.Findings {
		if f.Verdict == apns.Fail {
			return enrollment.NewProblem(enrollment.CodePushUnfit, "finding", f.Detail, "advice", f.Next)
		}
	}
	return nil
}
