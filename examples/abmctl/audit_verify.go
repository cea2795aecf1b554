package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type auditVerify struct {
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"What abmctl audit checkpoint printed some time ago; repeatable."`
}

func (*auditVerify) subject() subject { return subject{ID: "audit"} }

type verified struct {
	subject
	OK bool `json:"ok"`
	runner.AuditReport
}

func (a verified) text(w io.Writer) {
	how := "as they were written"
	if !a.OK {
		how = "of which not all are as they were written"
	}
	fmt.Fprintf(w, "%d entries of %d subjects, %s\n", a.Entries, a.Subjects, how)
	for _, f := range a.Faults {
		what := f.Subject
		if what == "" {
			what = "the log"
		}
		fmt.Fprintf(w, "%s, entry %d: %s\n", what, f.Seq, f.Why)
	}
}

func (c *auditVerify) do(ctx context.Context, h *host) (answer, error) {
	var kept []runner.Checkpoint
	for _, path := range c.Checkpoint {
		text, err := h.readInput(path, 1<<16)
		if err != nil {
			return nil, err
		}
		var one runner.Checkpoint
		if err := json.Unmarshal(text, &one); err != nil || one.Size < 0 || one.Size > 0 && one.Hash == "" || one.At.IsZero() {
			return nil, wrong("checkpoint", "what abmctl audit checkpoint printed").Because(err)
		}
		kept = append(kept, one)
	}
	if err := h.open(ctx, needs); err != nil {
		return nil, err
	}
	defer h.waiting("Walking the hash chains")()
	report, err := h.lib.VerifyAudit(ctx, kept...)
	ans := verified{c.subject(), err == nil && len(report.Faults) == 0, report}
	if err == nil && len(report.Faults) > 0 {
		problem := enrollment.NewProblem(enrollment.CodeStoreDamaged)
		problem.Title = fmt.Sprintf("The audit is not what was written (%d faults)", len(report.Faults))
		problem.Next = "Find out who can write to the store file; compare with a backup and with checkpoints that were kept elsewhere"
		err = problem
	}
	return ans, err
}

type auditCheckpoint struct{}

func (*auditCheckpoint) subject() subject { return subject{ID: "audit"} }

type checkpoint struct {
	subject
	runner.Checkpoint
}

// text is JSON, too, because it is to be kept and read again.
func (a checkpoint) text(w io.Writer) {
	text, _ := json.Marshal(a) // numbers and texts: it cannot fail
	fmt.Fprintf(w, "%s\n", text)
}

func (c *auditCheckpoint) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, needs); err != nil {
		return nil, err
	}
	point, err := h.lib.AuditCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	h.hint("Keep this where nobody who can write to the store can change it")
	return checkpoint{c.subject(), point}, nil
}
