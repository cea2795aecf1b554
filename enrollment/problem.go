package enrollment

import (
	"errors"
	"strings"
)

// Problem is trouble as a person meets it: the error of a call, and what stands in a renewal until it is solved.
//
// Code is one of a closed list; Title and Next are plain English for a technician. A host that speaks another
// language translates Code and fills in Args.
type Problem struct {
	Code  Code              `json:"code"`
	Title string            `json:"title"` // what is wrong
	Next  string            `json:"next"`  // what to do now
	Args  map[string]string `json:"args,omitempty"`
	Retry bool              `json:"retry,omitempty"` // the library tries again by itself, or the same call may succeed later

	cause error
}

// NewProblem returns the problem of a code, its texts filled in with args: name, value, name, value, ... What they are
// for each code says [Code.Args]. A code that is not of the list becomes [CodeInternal].
func NewProblem(code Code, args ...string) *Problem {
	entry, known := catalog[code]
	if !known {
		code, entry = CodeInternal, catalog[CodeInternal]
	}
	p := &Problem{Code: code, Retry: entry.retry}
	if len(args) > 0 {
		p.Args = make(map[string]string, len(args)/2)
		for i := 0; i+1 < len(args); i += 2 {
			p.Args[args[i]] = args[i+1]
		}
	}
	p.Title, p.Next = fill(entry.title, p.Args), fill(entry.next, p.Args)
	return p
}

// Because returns the problem with the error that caused it, for errors.Is and logs. The cause is not stored.
func (p *Problem) Because(cause error) *Problem {
	p.cause = cause
	return p
}

// Error returns title and next step.
func (p *Problem) Error() string {
	if p.Next == "" {
		return p.Title
	}
	return strings.TrimSuffix(p.Title, ".") + ". " + p.Next // a title may end with a name such as "Acme Inc."
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.cause }

// Is makes errors.Is(err, &Problem{Code: c}) true for a problem with that code.
func (p *Problem) Is(target error) bool {
	other, ok := target.(*Problem)
	return ok && other != nil && other.Code == p.Code
}

// ProblemOf returns the problem in an error's chain, or one with code [CodeInternal] for any other error; nil for nil.
func ProblemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return NewProblem(CodeInternal).Because(err)
}

// fill puts the arguments in the place of their {names}. A name without argument is left out, so that no text ever
// shows a brace.
func fill(text string, args map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return strings.TrimSpace(b.String())
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return strings.TrimSpace(b.String())
		}
		b.WriteString(args[name])
		text = after
	}
}
