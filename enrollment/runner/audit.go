package runner

import (
	"context"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// InstallationSubject is the subject of audit entries about the whole installation.
const InstallationSubject = "installation"

// auditRecord is an entry as it is kept. Filed is its place in the log; 0: not there yet.
type auditRecord struct {
	enrollment.AuditEntry
	Filed int64 `json:"filed,omitempty"`
}

const unfiled, filed = "new", "filed"

// auditSpec signs for the installation: the audit outlives a tenant's key.
var auditSpec = storage.Spec[auditRecord]{
	Kind: KindAudit, Schema: 1, Installation: true,
	Columns: func(a auditRecord) storage.Columns {
		state := unfiled
		if a.Filed > 0 {
			state = filed
		}
		return storage.Columns{Parent: a.Subject, State: state}
	},
}

// auditID sorts the entries of a subject by their number.
func auditID(subject string, seq int64) string { return fmt.Sprintf("%s/%012d", subject, seq) }

// noteTenant appends facts to the history of the tenant, in this write.
func (c *change) noteTenant(ctx context.Context, facts ...enrollment.AuditFact) error {
	return appendFacts(ctx, c, c.tenant.Tenant, &c.tenant.Value.Audit, &c.tenant.moved, facts)
}

// noteInstallation appends facts to the history of the installation, in this write.
func (c *change) noteInstallation(ctx context.Context, facts ...enrollment.AuditFact) error {
	if err := c.installation(ctx); err != nil {
		return err
	}
	return appendFacts(ctx, c, InstallationSubject, &c.whole.Value.Audit, &c.whole.moved, facts)
}

// installation reads the record of the whole installation, to be held or changed by the write.
func (c *change) installation(ctx context.Context) error {
	if c.whole != nil {
		return nil
	}
	item, found, err := find(ctx, c.installations, "", onlyID)
	c.whole = &tracked[installationRecord]{Item: item, found: found}
	return err
}

func appendFacts(
	ctx context.Context, c *change, subject string, head *enrollment.AuditHead, moved *bool, facts []enrollment.AuditFact,
) error {
	tenant := "" // a change of the installation has none
	if subject != InstallationSubject {
		tenant = c.tenant.Tenant
	}
	for _, fact := range facts {
		var entry enrollment.AuditEntry
		entry, *head = head.Append(subject, c.now, fact)
		*moved = true
		rec, err := c.entries.Encode(ctx, c.entries.New(tenant, auditID(subject, entry.Seq), auditRecord{AuditEntry: entry}))
		if err != nil {
			return err
		}
		c.write.Put = append(c.write.Put, rec)
	}
	return nil
}

// Audit returns the entries of one subject of the tenant (a server, a push certificate, a renewal, a plan, a move, or the
// tenant by its own ID) behind the given number, oldest first, at most limit (1 to 1000) of them. A renewal's entries stand in the history of
// its server or push certificate.
func (t *Tenant) Audit(ctx context.Context, subject string, after int64, limit int) ([]enrollment.AuditEntry, error) {
	if _, err := t.opened(ctx); err != nil {
		return nil, err
	}
	entries, err := t.r.history(ctx, string(t.id), subject, after, limit)
	if err != nil || len(entries) > 0 {
		return entries, err
	}
	owner, err := t.renewed(ctx, subject)
	if err != nil || owner == "" {
		return nil, err
	}
	for seq := after; ; {
		page, err := t.r.history(ctx, string(t.id), owner, seq, storage.MaxPage)
		if err != nil || len(page) == 0 {
			return entries, err
		}
		for _, e := range page {
			if e.Detail["renewal"] == subject && len(entries) < limit {
				entries = append(entries, e)
			}
			seq = e.Seq
		}
		if len(entries) == limit {
			return entries, nil
		}
	}
}

// renewed returns what a renewal is one of: a server or a push certificate; empty: the subject is no renewal.
func (t *Tenant) renewed(ctx context.Context, subject string) (string, error) {
	switch {
	case strings.HasPrefix(subject, renewalPrefix):
		r, err := t.r.renewals.Get(ctx, string(t.id), subject)
		return string(r.Value.Server), asProblem(missing(err, "renewal"))
	case strings.HasPrefix(subject, pushRunPrefix):
		r, err := t.r.pushRuns.Get(ctx, string(t.id), subject)
		return string(r.Value.Push), asProblem(missing(err, "renewal"))
	}
	return "", nil
}

// Audit returns entries about the whole installation, as [Tenant.Audit] does about a tenant's subjects.
func (r *Runner) Audit(ctx context.Context, after int64, limit int) ([]enrollment.AuditEntry, error) {
	return r.history(ctx, "", InstallationSubject, after, limit)
}

func (r *Runner) history(ctx context.Context, tenant, subject string, after int64, limit int) ([]enrollment.AuditEntry, error) {
	if err := validLimit(limit); err != nil {
		return nil, err
	}
	if subject == "" || len(auditID(subject, after)) > storage.MaxKeyPart || !printable(subject) {
		return nil, nil // nothing has such a name
	}
	items, damaged, err := r.entries.List(ctx, storage.Query{
		Tenant: tenant, Parent: subject, Limit: limit,
		After: storage.Position{Tenant: tenant, ID: auditID(subject, after)},
	})
	if err != nil {
		return nil, asProblem(err)
	}
	if len(damaged) > 0 {
		return nil, asProblem(damaged[0])
	}
	out := make([]enrollment.AuditEntry, len(items))
	for i, item := range items {
		out[i] = item.Value.AuditEntry
	}
	return out, nil
}
