package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// proposalAnswer is a change that no single person makes.
type proposalAnswer struct {
	subject
	runner.ProposalView
	Missing int      `json:"missing,omitempty"` // persons who have to approve it still
	Changes []string `json:"changes,omitempty"` // what it would change now, in words
}

func aboutProposal(v runner.ProposalView, now enrollment.Policy) proposalAnswer {
	a := proposalAnswer{subject: subject{ID: v.ID}, ProposalView: v}
	if !v.State.Live() {
		return a
	}
	a.Missing = max(v.Needed-len(v.Approvals), 0)
	if v.Change.Lift {
		a.Changes = []string{"lift the kill switch of " + ofWhom(v.Tenant)}
	}
	if v.Change.Rules != nil {
		was := rulesOf("", now).rows()
		for i, is := range rulesOf("", now.With(*v.Change.Rules)).rows() {
			if is.value != was[i].value {
				a.Changes = append(a.Changes, fmt.Sprintf("%s: %s, now %s", is.name, is.value, was[i].value))
			}
		}
	}
	return a
}

// ofWhom names where a rule or a switch holds.
func ofWhom(t enrollment.TenantID) string {
	if t == "" {
		return "the installation"
	}
	return "tenant " + string(t)
}

// others says how many persons are needed.
func others(n int) string {
	if n <= 1 {
		return "somebody else has"
	}
	return fmt.Sprintf("%d others have", n)
}

func (a proposalAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "proposal %s of %s: %s\n", a.subject.ID, ofWhom(a.Tenant), a.State)
	for _, change := range a.Changes {
		fmt.Fprintf(w, "  %s\n", change)
	}
	if len(a.Changes) == 0 && len(a.Loosened) > 0 {
		fmt.Fprintf(w, "  about %s\n", strings.Join(a.Loosened, ", "))
	}
	fmt.Fprintf(w, "  by %s at %s\n", who(a.By), a.At.Format(time.RFC3339))
	for _, word := range a.Approvals {
		fmt.Fprintf(w, "  approved by %s at %s\n", who(word.By), word.At.Format(time.RFC3339))
	}
	if a.State == migration.ProposalOpen {
		fmt.Fprintf(w, "  %s to approve it until %s; its digest is\n  %s\n", others(a.Missing), a.LapseAt.Format(time.RFC3339), a.Digest)
	}
}

type proposalsAnswer []proposalAnswer

func (a proposalsAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROPOSAL\tOF\tSTATE\tBY\tMISSING\tCHANGE")
	for _, p := range a {
		change := strings.Join(p.Changes, "; ")
		if change == "" {
			change = strings.Join(p.Loosened, ", ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", p.subject.ID, ofWhom(p.Tenant), p.State, p.By.ID, p.Missing, change)
	}
	_ = table.Flush() // as every other write to standard output
}
