package runner_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// portrait describes the end of a flow in lines, without IDs and times, so that two runs can be compared: a clean one,
// and one with a crash or a fault in it.
func portrait(w *world) ([]string, error) {
	k, err := keep(w.t.Context(), w.store)
	if err != nil {
		return nil, err
	}
	var p []string
	say := func(format string, args ...any) { p = append(p, fmt.Sprintf(format, args...)) }
	for _, t := range k.tenants {
		say("tenant %s %s policy %+v", t.ID, t.State, rules(t.Policy))
	}
	say("policy %s", k.policy)
	for _, s := range k.servers {
		say("server %s: token %d, %d keys, service %q of %q by %q, retired %v",
			s.Name, s.Generation(), len(s.Keys), s.Pin.ServerName, s.Pin.OrgName, s.Admin, s.Retired())
		say("  watch: %s, health %s, answer %q %q, open %v, problem %s, owes %v",
			s.Watch.State, s.Health, s.Watch.Answer, s.Watch.Reason, s.Watch.Open, codeOf(s.Watch.Problem), owes(s.Watch.Pending))
		for _, r := range k.renewals {
			if r.Server == s.ID {
				say("  renewal %s: key %v, out %v, candidate %v, spares %d, refused %v, problem %s, warnings %d, owes %v",
					r.State, r.Key != nil, r.CertificateOut(), r.Candidate != nil, len(r.Spares), r.Refused != nil,
					codeOf(r.Problem), len(r.Warnings), owes(r.Pending))
			}
		}
	}
	for _, p := range k.pushes {
		kept := "nothing"
		if p.Previous != nil {
			kept = "the one before"
		}
		say("push %s: certificate %d, proven %v, keeps %s, %d keys, retired %v", p.Name, p.Generation(),
			p.Certificate != nil && p.Certificate.Proven(), kept, len(p.Keys), p.Retired())
		say("  watch: %s, health %s, answer %q %q, open %v, owes %v",
			p.Watch.State, p.Health, p.Watch.Answer, p.Watch.Reason, p.Watch.Open, owes(p.Watch.Pending))
	}
	for _, r := range k.pushRuns {
		say("  push renewal %s: key %v, candidate %v, problem %s, warnings %d, owes %v",
			r.State, r.Key != nil, r.Candidate != nil, codeOf(r.Problem), len(r.Warnings), owes(r.Pending))
	}
	say("%d secrets, %d services, %d recipients", len(k.secrets), len(k.services), len(k.recipients))
	p = append(p, history(k)...)
	return append(p, threads(w)...), nil
}

func rules(c enrollment.PolicyChange) string {
	return fmt.Sprintf("%v %v", c.Reminders, c.ProbeEvery != nil)
}

func codeOf(p *enrollment.Problem) enrollment.Code {
	if p == nil {
		return "none"
	}
	return p.Code
}

func owes(effects []enrollment.Effect) (kinds []enrollment.EffectKind) {
	for _, x := range effects {
		kinds = append(kinds, x.Kind)
	}
	return kinds
}

// history is what was written down of each subject, in order.
func history(k kept) []string {
	var p []string
	for _, e := range k.entries {
		subject := e.Subject
		if s, found := k.server(enrollment.ServerID(subject)); found {
			subject = s.Name
		}
		if p, found := k.push(enrollment.PushID(subject)); found {
			subject = p.Name
		}
		p = append(p, fmt.Sprintf("audit of %s: %s by %s %s %v", subject, e.Act, e.By.ID, e.Detail["problem"],
			slices.Sorted(maps.Keys(e.Detail))))
	}
	slices.SortStableFunc(p, func(a, b string) int {
		return strings.Compare(strings.SplitN(a, ":", 2)[0], strings.SplitN(b, ":", 2)[0])
	})
	return p
}

// threads is where the people who got notices stand: which thread is still open for them. A notice that is delivered
// twice has the same ID.
func threads(w *world) []string {
	last := map[string]string{}
	for _, n := range w.inbox.all() {
		state := "open " + string(codeOf(n.Problem))
		if n.Cleared {
			state = "cleared"
		}
		last[n.Thread] = string(n.Kind) + ": " + state
	}
	// A thread that was closed before the first word of it left is none.
	maps.DeleteFunc(last, func(_, state string) bool { return strings.HasSuffix(state, ": cleared") })
	p := make([]string, 0, len(last))
	for _, state := range slices.Sorted(maps.Values(last)) {
		p = append(p, "thread "+state)
	}
	return p
}

// asked drops what a person may do more or less often when an answer is lost: what was done twice in a row, and the wish
// that something be looked at.
func asked(p []string) []string {
	p = slices.DeleteFunc(slices.Clone(p), func(line string) bool {
		return strings.Contains(line, ": "+string(enrollment.ActRechecked)+" ") ||
			strings.Contains(line, ": "+string(enrollment.ActCheckRequested)+" ")
	})
	return slices.Compact(p)
}
