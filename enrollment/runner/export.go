package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// The log gives every audit entry a place in one order. An entry gets its place only after it was committed, and in a write
// of its own, so that a reader with a cursor never skips the entry of a transaction that took long.

// logRecord is one line of the log: which entry stands there. The record before the first is the log's head.
type logRecord struct {
	Position int64  `json:"position"`
	Tenant   string `json:"tenant,omitempty"`
	Entry    string `json:"entry,omitempty"`  // the ID of the entry's record
	Digest   string `json:"digest,omitempty"` // the entry's hash
	Hash     string `json:"hash"`             // of this line and all before it
}

// The head sorts before every line, which begins with a digit.
const logHead = "!head"

var logSpec = storage.Spec[logRecord]{Kind: KindAuditLog, Schema: 1, Installation: true}

func logID(position int64) string { return fmt.Sprintf("%019d", position) }

// filingBatch is how many entries are filed in one write.
const filingBatch = 250

// Checkpoint is the end of the audit log. Kept in a place that the operator of the store cannot rewrite, it proves later
// that nothing before it was changed or cut off: see [Runner.VerifyAudit].
type Checkpoint struct {
	Size int64     `json:"size"` // how many entries
	Hash string    `json:"hash"` // of all of them, in their order
	At   time.Time `json:"at"`
}

// LoggedEntry is an audit entry with its tenant and its place in the log.
type LoggedEntry struct {
	Position int64               `json:"position"`
	Tenant   enrollment.TenantID `json:"tenant,omitempty"`
	enrollment.AuditEntry
}

// ExportAudit returns the entries of all tenants behind a position, at most limit (1 to 1000) of them. The position of the
// last one is the cursor to go on with. No entry is ever skipped or moved.
//
// An entry gets its position with the first export or checkpoint that sees it. The entries of one subject keep
// their order; those of several that came between two exports stand side by side, whatever their times: sort by At to see them as
// they happened.
func (r *Runner) ExportAudit(ctx context.Context, after int64, limit int) ([]LoggedEntry, error) {
	if err := validLimit(limit); err != nil {
		return nil, err
	}
	if err := r.file(ctx); err != nil {
		return nil, asProblem(err)
	}
	lines, damaged, err := r.auditLog.List(ctx, storage.Query{
		After: storage.Position{ID: logID(after)}, Limit: limit,
	})
	if err != nil {
		return nil, asProblem(err)
	}
	if len(damaged) > 0 {
		return nil, asProblem(damaged[0])
	}
	out := make([]LoggedEntry, 0, len(lines))
	for _, line := range lines {
		entry, err := r.entries.Get(ctx, line.Value.Tenant, line.Value.Entry)
		if err != nil {
			return nil, asProblem(fmt.Errorf("%w: audit entry %s is gone: %w", storage.ErrDamaged, line.Value.Entry, err))
		}
		out = append(out, LoggedEntry{
			Position: line.Value.Position, Tenant: enrollment.TenantID(line.Value.Tenant), AuditEntry: entry.Value.AuditEntry,
		})
	}
	return out, nil
}

// AuditCheckpoint files what is new and returns the end of the log.
func (r *Runner) AuditCheckpoint(ctx context.Context) (Checkpoint, error) {
	if err := r.file(ctx); err != nil {
		return Checkpoint{}, asProblem(err)
	}
	head, _, err := find(ctx, r.auditLog, "", logHead)
	if err != nil {
		return Checkpoint{}, asProblem(err)
	}
	now, err := r.now(ctx)
	return Checkpoint{Size: head.Value.Position, Hash: head.Value.Hash, At: now}, asProblem(err)
}

// file gives every entry that has none a place in the log.
func (r *Runner) file(ctx context.Context) error {
	conflicts := 0
	for {
		n, err := r.fileBatch(ctx)
		switch {
		case err == nil && n < filingBatch:
			return nil
		case err == nil:
			conflicts = 0
		case conflicts < attempts && ctx.Err() == nil: // another exporter was faster, or the outcome is unknown: look again
			conflicts++
		default:
			return err
		}
	}
}

func (r *Runner) fileBatch(ctx context.Context) (int, error) {
	head, _, err := find(ctx, r.auditLog, "", logHead)
	if err != nil {
		return 0, err
	}
	fresh, damaged, err := r.entries.List(ctx, storage.Query{AllTenants: true, State: unfiled, Limit: filingBatch})
	if err != nil {
		return 0, err
	}
	if len(damaged) > 0 {
		return 0, damaged[0]
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	var w storage.Write
	for _, entry := range fresh {
		line := head.Value.next(entry)
		head.Value = logRecord{Position: line.Position, Hash: line.Hash}
		entry.Value.Filed = line.Position
		rec, err := r.entries.Encode(ctx, entry)
		if err != nil {
			return 0, err
		}
		lineRec, err := r.auditLog.Encode(ctx, r.auditLog.New("", logID(line.Position), line))
		if err != nil {
			return 0, err
		}
		w.Put = append(w.Put, rec, lineRec)
	}
	rec, err := r.auditLog.Encode(ctx, head)
	if err != nil {
		return 0, err
	}
	w.Put = append(w.Put, rec)
	return len(fresh), r.store.Commit(ctx, w)
}

// next returns the line for an entry behind the line, or head, l.
func (l logRecord) next(entry storage.Item[auditRecord]) logRecord {
	line := logRecord{
		Position: l.Position + 1, Tenant: entry.Tenant, Entry: entry.ID, Digest: entry.Value.Hash(),
	}
	line.Hash = line.after(l.Hash)
	return line
}

// after returns the hash of the line behind one with the given hash.
func (l logRecord) after(previous string) string {
	sum := sha256.New()
	for _, part := range []string{previous, strconv.FormatInt(l.Position, 10), l.Tenant, l.Entry, l.Digest} {
		sum.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
