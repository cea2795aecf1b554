package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// answer is what a command found. With --json it is encoded as it is.
type answer interface {
	text(w io.Writer) // for people
}

// subject is what each JSON object begins with: the thing that the command names, and what belongs to it.
type subject struct {
	ID      string               `json:"id,omitempty"`
	Server  enrollment.ServerID  `json:"server,omitempty"`
	Push    enrollment.PushID    `json:"push,omitempty"`
	Renewal enrollment.RenewalID `json:"renewal,omitempty"`
	Plan    enrollment.PlanID    `json:"plan,omitempty"`
}

// about is the subject of a command that names a server or a renewal.
func about(id string) subject {
	if isRenewal(id) {
		return subject{ID: id, Renewal: enrollment.RenewalID(id)}
	}
	return subject{ID: id, Server: enrollment.ServerID(id)}
}

// failure is what is left to say where there is no other answer.
type failure struct {
	subject
	Problem *enrollment.Problem `json:"problem"`
}

// finish shows how a command ended and returns the exit status.
func (h *host) finish(ctx context.Context, s subject, ans answer, err error) int {
	problem := problemOf(ctx, err)
	if h.JSON {
		switch {
		case problem == nil:
			h.encode(ans)
		case ans == nil:
			h.encode(failure{s, problem})
		default:
			h.encode(withProblem(ans, problem))
		}
	} else if ans != nil && !h.Quiet {
		if troubled, ok := ans.(interface{ without() answer }); ok && problem != nil {
			ans = troubled.without() // a person need not read it twice
		}
		ans.text(h.out)
	}
	if problem == nil {
		return 0
	}
	h.tell(problem)
	_, status := problem.Code.Status()
	return status
}

// problemOf puts every error into the one vocabulary.
func problemOf(ctx context.Context, err error) *enrollment.Problem {
	problem := enrollment.ProblemOf(err)
	if problem != nil && problem.Code == enrollment.CodeInternal && ctx.Err() != nil {
		problem = enrollment.NewProblem(enrollment.CodeInternal)
		problem.Title, problem.Next = "The command was interrupted", "What was stored goes on with: abmctl run"
	}
	return problem
}

// tell writes a problem for people, with its cause where the problem itself says little.
func (h *host) tell(p *enrollment.Problem) {
	fmt.Fprintf(h.err, "abmctl: %s.\n", strings.TrimSuffix(p.Title, "."))
	if p.Next != "" {
		fmt.Fprintf(h.err, "  next: %s.\n", strings.TrimSuffix(p.Next, "."))
	}
	if _, status := p.Code.Status(); status == 1 {
		if cause := errors.Unwrap(p); cause != nil {
			fmt.Fprintf(h.err, "  cause: %v\n", cause)
		}
	}
}

// hint tells a person, not a program, what comes next.
func (h *host) hint(format string, args ...any) {
	if !h.Quiet && !h.JSON {
		fmt.Fprintf(h.err, format+"\n", args...)
	}
}

func (h *host) encode(v any) {
	out := json.NewEncoder(h.out)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	_ = out.Encode(v) // a failed write is remembered by the writer
}

// withProblem adds a problem to the fields of an answer.
func withProblem(ans answer, p *enrollment.Problem) any {
	text, err := json.Marshal(ans)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return failure{Problem: p} // an array: its rows say what is wrong with them
	}
	fields["problem"], _ = json.Marshal(p) // texts only: it cannot fail
	return object(fields)
}

// object encodes its fields with the subject first.
type object map[string]json.RawMessage

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	names := slices.Sorted(maps.Keys(o))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for i, name := range names {
		fmt.Fprintf(&b, "%c%q:", "{,"[min(i, 1)], name)
		b.Write(o[name])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func rank(name string) int {
	first := []string{"id", "server", "push", "renewal", "plan", "problem"}
	if i := slices.Index(first, name); i >= 0 {
		return i
	}
	return len(first)
}
