package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type runDue struct {
	Once  bool     `xor:"when" required:"" help:"Do what is due now, then end."`
	Every duration `xor:"when" required:"" placeholder:"30s" help:"Go on until interrupted, looking at least this often."`
}

// Help is shown with --help.
func (*runDue) Help() string {
	return `One of --once and --every is needed. Nothing happens between runs: call it with --once from a scheduler every minute
or so, or leave it running with --every. Reminders are lines on standard error that begin with "notice:".`
}

func (*runDue) subject() subject { return subject{ID: "run"} }

type ran struct {
	subject
	Claimed int       `json:"claimed"`
	Failed  int       `json:"failed"`
	Next    time.Time `json:"next,omitzero"` // when something is due next
}

func (a ran) text(w io.Writer) {
	fmt.Fprintf(w, "%d done", a.Claimed-a.Failed)
	if a.Failed > 0 {
		fmt.Fprintf(w, ", %d failed", a.Failed)
	}
	if !a.Next.IsZero() {
		fmt.Fprintf(w, ", next at %s", a.Next.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(w)
}

func (c *runDue) do(ctx context.Context, h *host) (answer, error) {
	if !c.Once && (c.Every < duration(time.Second) || c.Every > duration(24*time.Hour)) {
		return nil, wrong("every", "from 1s to 1d")
	}
	why := writes
	if c.Once {
		why = reads
	}
	if err := h.open(ctx, why); err != nil {
		return nil, err
	}
	if h.nanomdm != nil {
		h.clock.ask(ctx, h.DEPURL) // no wipe leaves before it is known how right our clock is
	}
	if !c.Once {
		h.hint("Doing what is due, at least every %v; end with Ctrl-C", c.Every)
		_ = h.lib.Run(ctx, time.Duration(c.Every)) // it ends with the context, and that is how this ends well
		return ran{subject: c.subject()}, nil
	}
	total := ran{subject: c.subject()}
	defer h.waiting("Doing what is due")()
	for {
		once, err := h.lib.RunDue(ctx, runner.Due{})
		total.Claimed, total.Failed, total.Next = total.Claimed+once.Claimed, total.Failed+once.Failed, once.Next
		if err != nil {
			return total, err
		}
		if !once.More {
			break
		}
	}
	if total.Failed > 0 {
		problem := enrollment.NewProblem(enrollment.CodeInternal)
		problem.Title = fmt.Sprintf("%d of %d things could not be done now", total.Failed, total.Claimed)
		problem.Next = "The log above says why; they are due again in a minute"
		return total, problem
	}
	return total, nil
}
