package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// AuditFault is something that is wrong with the audit.
type AuditFault struct {
	Tenant  enrollment.TenantID `json:"tenant,omitempty"`
	Subject string              `json:"subject,omitempty"` // empty: the log of all entries
	Seq     int64               `json:"seq"`               // the first entry of the subject, or place in the log, that does not fit
	Why     string              `json:"why"`
}

// AuditReport is what a verification of the audit found.
type AuditReport struct {
	Subjects int          `json:"subjects"`
	Entries  int64        `json:"entries"`
	Faults   []AuditFault `json:"faults,omitempty"`
}

// maxFaults bounds a report; the first faults tell the story.
const maxFaults = 100

func (a *AuditReport) fault(f AuditFault) {
	if len(a.Faults) < maxFaults {
		a.Faults = append(a.Faults, f)
	}
}

// VerifyAudit walks every subject's history and the log of all entries, and reports each place where an entry was changed,
// dropped, moved or cut off. Others may write meanwhile. Checkpoints that were kept elsewhere show a log that was rewritten as a whole.
func (r *Runner) VerifyAudit(ctx context.Context, kept ...Checkpoint) (AuditReport, error) {
	var report AuditReport
	if err := r.verifyHistories(ctx, &report); err != nil {
		return report, asProblem(err)
	}
	if err := r.verifyHeads(ctx, &report); err != nil {
		return report, asProblem(err)
	}
	if err := r.verifyLog(ctx, &report, kept); err != nil {
		return report, asProblem(err)
	}
	return report, nil
}

// history is the walk through one subject.
type history struct {
	tenant, subject string
	head            enrollment.AuditHead
	broken          bool
}

func (r *Runner) verifyHistories(ctx context.Context, report *AuditReport) error {
	var walk *history
	finish := func() error {
		if walk == nil {
			return nil
		}
		report.Subjects++
		return r.compareHead(ctx, report, walk)
	}
	for after := (storage.Position{}); ; {
		records, err := r.store.List(ctx, storage.Query{Kind: KindAudit, AllTenants: true, After: after, Limit: storage.MaxPage})
		if err != nil {
			return err
		}
		for _, rec := range records {
			after = rec.Position()
			report.Entries++
			item, err := r.entries.Decode(ctx, rec)
			if err != nil && !changed(err) {
				return err
			}
			subject := rec.Parent
			if err == nil {
				subject = item.Value.Subject
			}
			if walk == nil || walk.tenant != rec.Tenant || walk.subject != subject {
				if err := finish(); err != nil {
					return err
				}
				walk = &history{tenant: rec.Tenant, subject: subject}
			}
			walk.take(report, item, err)
		}
		if len(records) < storage.MaxPage {
			return finish()
		}
	}
}

// changed says that a record is not what this program wrote. Any other error says nothing about it.
func changed(err error) bool {
	return errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrNotFound)
}

func (h *history) take(report *AuditReport, item storage.Item[auditRecord], err error) {
	seq := h.head.Seq + 1
	entry := item.Value.AuditEntry
	switch {
	case h.broken:
		return
	case err != nil:
		h.broken = true
		report.fault(AuditFault{enrollment.TenantID(h.tenant), h.subject, seq, "the entry was changed: " + err.Error()})
	case item.ID != auditID(entry.Subject, entry.Seq) || !entry.Follows(h.head):
		h.broken = true
		report.fault(AuditFault{enrollment.TenantID(h.tenant), h.subject, seq, "an entry is missing, moved or changed"})
	default:
		h.head = enrollment.AuditHead{Seq: entry.Seq, Hash: entry.Hash()}
	}
}

// compareHead holds the end of a history against the end that its subject remembers. That is read later, while others
// write, so what was appended meanwhile is followed up to it.
func (r *Runner) compareHead(ctx context.Context, report *AuditReport, h *history) error {
	if h.broken {
		return nil
	}
	head, err := r.headOf(ctx, h)
	switch {
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrShredded):
		return nil // the subject was erased; its audit is kept
	case errors.Is(err, storage.ErrDamaged):
		report.fault(AuditFault{enrollment.TenantID(h.tenant), h.subject, h.head.Seq, "the subject's record was changed"})
		return nil
	case err != nil:
		return err
	}
	for h.head.Seq < head.Seq && !h.broken {
		since, err := r.store.List(ctx, storage.Query{
			Kind: KindAudit, Tenant: h.tenant, Parent: h.subject, Limit: int(min(head.Seq-h.head.Seq, storage.MaxPage)),
			After: storage.Position{Tenant: h.tenant, ID: auditID(h.subject, h.head.Seq)},
		})
		if err != nil {
			return err
		}
		if len(since) == 0 {
			break
		}
		for _, rec := range since {
			report.Entries++
			item, err := r.entries.Decode(ctx, rec)
			if err != nil && !changed(err) {
				return err
			}
			h.take(report, item, err)
		}
	}
	if !h.broken && h.head != head {
		report.fault(AuditFault{
			enrollment.TenantID(h.tenant), h.subject, h.head.Seq + 1,
			fmt.Sprintf("the history ends at entry %d, its subject remembers %d", h.head.Seq, head.Seq),
		})
	}
	return nil
}

// verifyHeads looks for subjects whose whole history is gone.
func (r *Runner) verifyHeads(ctx context.Context, report *AuditReport) error {
	for _, kind := range []string{KindInstallation, KindTenant, KindServer, KindPush, KindPlan, KindMove} {
		for after := (storage.Position{}); ; {
			records, err := r.store.List(ctx, storage.Query{Kind: kind, AllTenants: true, After: after, Limit: storage.MaxPage})
			if err != nil {
				return err
			}
			for _, rec := range records {
				after = rec.Position()
				subject := rec.ID
				switch kind {
				case KindInstallation:
					subject = InstallationSubject
				case KindTenant:
					subject = rec.Tenant
				}
				first, err := r.store.List(ctx, storage.Query{Kind: KindAudit, Tenant: rec.Tenant, Parent: subject, Limit: 1})
				if err != nil {
					return err
				}
				if len(first) > 0 {
					continue // it was compared with its subject
				}
				if err := r.compareHead(ctx, report, &history{tenant: rec.Tenant, subject: subject}); err != nil {
					return err
				}
			}
			if len(records) < storage.MaxPage {
				break
			}
		}
	}
	return nil
}

func (r *Runner) headOf(ctx context.Context, h *history) (enrollment.AuditHead, error) {
	switch {
	case h.tenant == "":
		item, err := r.installations.Get(ctx, "", onlyID)
		return item.Value.Audit, err
	case h.subject == h.tenant:
		item, err := r.tenants.Get(ctx, h.tenant, onlyID)
		return item.Value.Audit, err
	}
	item, err := r.servers.Get(ctx, h.tenant, h.subject)
	if !errors.Is(err, storage.ErrNotFound) {
		return item.Value.Audit, err
	}
	push, err := r.pushes.Get(ctx, h.tenant, h.subject)
	if !errors.Is(err, storage.ErrNotFound) {
		return push.Value.Audit, err
	}
	plan, err := r.plans.Get(ctx, h.tenant, h.subject)
	if !errors.Is(err, storage.ErrNotFound) {
		return plan.Value.Audit, err
	}
	move, err := r.moves.Get(ctx, h.tenant, h.subject)
	return move.Value.Audit, err
}
