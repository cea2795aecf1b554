package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// serverAnswer is one server.
type serverAnswer struct {
	subject
	runner.ServerView
	CertificateFile string `json:"certificate_file,omitempty"` // where it was written

	told bool // the problem is the command's own, and told beside the answer
}

func (a serverAnswer) without() answer { a.told = true; return a }

func aboutServer(v runner.ServerView) serverAnswer {
	a := serverAnswer{subject: subject{ID: string(v.ID), Server: v.ID}, ServerView: v}
	if v.LiveRun != nil {
		a.Renewal = v.LiveRun.ID
	}
	return a
}

func (a serverAnswer) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-14s %s\n", name, value)
		}
	}
	row("server", string(a.subject.Server))
	row("name", a.Name)
	row("tenant", string(a.Tenant))
	row("site", string(a.Site))
	row("health", healthText(a.ServerView))
	if len(a.Causes) > 0 {
		row("may be because", causesText(a.Causes))
	}
	if a.Token != nil {
		row("expires", endText(a.Token.Expires, a.DaysLeft))
	}
	row("organization", a.Pin.OrgName)
	row("service", strings.TrimSpace(a.Pin.ServerName+" "+a.Pin.ServerUUID))
	row("downloaded by", a.Admin)
	if !a.AnsweredAt.IsZero() {
		row("Apple said", fmt.Sprintf("%s at %s", a.Answer, a.AnsweredAt.Format(time.RFC3339)))
	}
	if p := a.ServerView.Problem; p != nil && !a.told {
		row("problem", p.Error())
	}
	if p := a.Silence; p != nil && !a.told {
		row("no answer", p.Error())
	}
	if a.LiveRun != nil {
		row("renewal", fmt.Sprintf("%s, %s", a.LiveRun.ID, a.LiveRun.State))
	}
	row("certificate", a.CertificateFile)
}

// endText says when something ends, or has ended. Days that are left are rounded to the past.
func endText(expires time.Time, daysLeft int) string {
	if daysLeft < 0 {
		return fmt.Sprintf("%s (%d days ago)", expires.Format(time.RFC3339), -daysLeft-1)
	}
	return fmt.Sprintf("%s (%d days left)", expires.Format(time.RFC3339), daysLeft)
}

func healthText(v runner.ServerView) string {
	if v.Retired() {
		return "retired"
	}
	return string(v.Health)
}

func causesText(causes []enrollment.Cause) string {
	words := map[enrollment.Cause]string{
		enrollment.CauseReplaced:    "a newer token was downloaded",
		enrollment.CauseNewKey:      "a new certificate was saved",
		enrollment.CausePassword:    "the person who downloaded it changed their password",
		enrollment.CausePersonLeft:  "that person left",
		enrollment.CauseServiceGone: "the service was deleted",
	}
	texts := make([]string, len(causes))
	for i, c := range causes {
		texts[i] = words[c]
	}
	return strings.Join(texts, "; ")
}

// serversAnswer is a list of servers.
type serversAnswer []serverAnswer

func (a serversAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tTENANT\tNAME\tHEALTH\tDAYS LEFT\tEXPIRES")
	for _, s := range a {
		left, expires := "-", "-"
		if s.Token != nil {
			left, expires = fmt.Sprint(s.DaysLeft), day(s.Token.Expires)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.subject.Server, s.Tenant, s.Name, healthText(s.ServerView), left, expires)
	}
	_ = table.Flush() // as every other write to standard output
}
