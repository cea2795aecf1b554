package runner

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// verifyLog walks the log of all entries. Its head is read later, while others write, so what was filed meanwhile is
// followed up to it.
func (r *Runner) verifyLog(ctx context.Context, report *AuditReport, kept []Checkpoint) error {
	hashes := map[int64]string{}
	for _, c := range kept {
		hashes[c.Size] = ""
	}
	var last logRecord
	sound, err := r.verifyLines(ctx, report, &last, hashes)
	if err != nil || !sound {
		return err
	}
	head, _, err := find(ctx, r.auditLog, "", logHead)
	if err != nil {
		return err
	}
	end := last
	if head.Value.Position > last.Position {
		hashes[head.Value.Position] = ""
		if sound, err = r.verifyLines(ctx, report, &last, hashes); err != nil || !sound {
			return err
		}
		end.Position, end.Hash = min(last.Position, head.Value.Position), hashes[head.Value.Position]
	}
	if head.Value.Position != end.Position || head.Value.Hash != end.Hash {
		report.fault(AuditFault{Seq: end.Position + 1, Why: fmt.Sprintf("the log has %d lines, its head counts %d", end.Position, head.Value.Position)})
	}
	for _, c := range kept {
		if c.Size > 0 && hashes[c.Size] != c.Hash {
			report.fault(AuditFault{Seq: c.Size, Why: "the log is not the one of the checkpoint: it was cut off or rewritten"})
		}
	}
	return nil
}

// verifyLines walks the lines behind the last one, and keeps the hashes at the places that are asked for. It reports
// whether all of them fit.
func (r *Runner) verifyLines(ctx context.Context, report *AuditReport, last *logRecord, hashes map[int64]string) (bool, error) {
	for {
		lines, damaged, err := r.auditLog.List(ctx, storage.Query{After: storage.Position{ID: logID(last.Position)}, Limit: storage.MaxPage})
		if err != nil {
			return false, err
		}
		if len(damaged) > 0 && !changed(damaged[0]) {
			return false, damaged[0]
		}
		if len(damaged) > 0 {
			report.fault(AuditFault{Seq: last.Position + 1, Why: "a line of the log was changed: " + damaged[0].Error()})
			return false, nil
		}
		for _, item := range lines {
			line := item.Value
			entry, err := r.entries.Get(ctx, line.Tenant, line.Entry)
			if err != nil && !changed(err) {
				return false, err
			}
			if line.Position != last.Position+1 || line.Hash != line.after(last.Hash) ||
				err != nil || entry.Value.Hash() != line.Digest || entry.Value.Filed != line.Position {
				report.fault(AuditFault{Seq: last.Position + 1, Why: "a line of the log, or its entry, is missing or changed"})
				return false, nil
			}
			*last = line
			if _, wanted := hashes[line.Position]; wanted {
				hashes[line.Position] = line.Hash
			}
		}
		if len(lines) < storage.MaxPage {
			return true, nil
		}
	}
}
