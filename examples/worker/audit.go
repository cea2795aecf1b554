package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type auditCheckpoint struct{}

func (*auditCheckpoint) do(ctx context.Context, h *host) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	if err := h.plug(wiring{}); err != nil {
		return err
	}
	point, err := h.runner.AuditCheckpoint(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(h.out).Encode(point)
}

type auditVerify struct {
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"What worker audit checkpoint printed some time ago; repeatable."`
}

func (c *auditVerify) do(ctx context.Context, h *host) error {
	var kept []runner.Checkpoint
	for _, path := range c.Checkpoint {
		text, err := readBounded(path, 1<<16)
		if err != nil {
			return err
		}
		var one runner.Checkpoint
		if err := json.Unmarshal(text, &one); err != nil || one.At.IsZero() {
			return fmt.Errorf("%s is not what worker audit checkpoint printed", path)
		}
		kept = append(kept, one)
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	if err := h.plug(wiring{}); err != nil {
		return err
	}
	report, err := h.runner.VerifyAudit(ctx, kept...)
	if err != nil {
		return err
	}
	for _, f := range report.Faults {
		_, _ = fmt.Fprintf(h.out, "%q, entry %d: %s\n", f.Subject, f.Seq, f.Why)
	}
	_, _ = fmt.Fprintf(h.out, "%d entries of %d subjects\n", report.Entries, report.Subjects)
	if len(report.Faults) > 0 {
		return fmt.Errorf("the audit is not what was written (%d faults): the database is an older one than the checkpoint, or somebody changed it", len(report.Faults))
	}
	return nil
}
