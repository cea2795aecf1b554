package installation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// moment is a plan with all that belongs to it, as it was at one moment: the records of every copy, cut where copies differ.
type moment struct {
	name    string
	resting bool // nothing of it is due soon, so that a tenant may have any number of them
	at      time.Time
	texts   []piece // what differs, as it stands in the source
	records []cut   // audit entries first, in their order, because others hold their hashes
}

// cut is a record of the source in parts.
type cut struct {
	kind           string
	schema         int
	installation   bool // whose key signs it
	tenant, id     text
	parent, state  text
	wake           time.Time
	value          text
	hash           int // of moment.texts: the hash of an audit entry's value; -1: none
	sourceSequence int64
}

// ofPlan are the kinds of which a plan has records.
var ofPlan = []string{
	runner.KindAudit, runner.KindPlan, runner.KindGate, runner.KindWave, runner.KindBatch, runner.KindMove, runner.KindDevice, runner.KindEnrollmentID,
}

func newMoment(ctx context.Context, s *source, name string, resting bool) (*moment, error) {
	m := &moment{name: name, resting: resting, at: s.now}
	k := &knife{moment: m, known: map[string]int{}}
	k.add(whose, sourceTenant)
	k.add(from, string(s.from.id))
	k.add(to, string(s.to.id))
	k.add(plan, string(s.plan))
	for _, kind := range ofPlan {
		records, err := all(ctx, s.store, kind)
		if err != nil {
			return nil, err
		}
		for _, rec := range records {
			if kind == runner.KindAudit && !strings.HasPrefix(rec.Parent, string(s.plan)) {
				continue // of the tenant, or a server
			}
			if err := k.record(ctx, s, rec); err != nil {
				return nil, fmt.Errorf("%v: %w", rec.RecordKey, err)
			}
		}
	}
	slices.SortStableFunc(m.records, func(a, b cut) int {
		return cmp.Or(-cmp.Compare(boolean(a.hash >= 0), boolean(b.hash >= 0)), cmp.Compare(a.sourceSequence, b.sourceSequence))
	})
	return m, nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// all lists every record of a kind.
func all(ctx context.Context, store storage.Store, kind string) ([]storage.Record, error) {
	q := storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage}
	var out []storage.Record
	for {
		page, err := store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < q.Limit {
			return out, nil
		}
		q.After = page[len(page)-1].Position()
	}
}

// record cuts a record. With which key it is signed nobody but the runner knows, so both are tried.
func (k *knife) record(ctx context.Context, s *source, rec storage.Record) error {
	var stored struct {
		Schema int             `json:"schema"`
		Value  json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(rec.Data, &stored); err != nil {
		return err
	}
	c := cut{kind: rec.Kind, schema: stored.Schema, wake: rec.Wake, hash: -1}
	signed := func() error {
		_, err := repo(s.store, s.sealer, c).Decode(ctx, rec)
		return err
	}
	if err := signed(); err != nil {
		c.installation = true
		if again := signed(); again != nil {
			return errors.Join(err, again)
		}
	}
	if rec.Kind == runner.KindAudit {
		var entry enrollment.AuditEntry
		if err := json.Unmarshal(stored.Value, &entry); err != nil {
			return err
		}
		if entry.Hash() != hashOf(stored.Value) {
			return errors.New("an audit entry is not stored as it is hashed")
		}
		c.hash, c.sourceSequence = k.add(hash, entry.Hash()), entry.Seq
	}
	for _, part := range []struct {
		into *text
		text string
	}{{&c.tenant, rec.Tenant}, {&c.id, rec.ID}, {&c.parent, rec.Parent}, {&c.state, rec.State}, {&c.value, string(stored.Value)}} {
		*part.into = k.cut(part.text)
	}
	k.moment.records = append(k.moment.records, c)
	return nil
}

// repo signs and reads values of one kind without knowing their type.
func repo(store storage.Store, sealer storage.Sealer, c cut) *storage.Repo[json.RawMessage] {
	return storage.NewRepo(store, sealer, storage.Spec[json.RawMessage]{Kind: c.kind, Schema: c.schema, Installation: c.installation})
}
