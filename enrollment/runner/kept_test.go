package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// keptServer is a server's record as a reader of the database sees it.
type keptServer struct {
	enrollment.Server
	Watch  renewal.Watch
	Health enrollment.Health
	Audit  enrollment.AuditHead
}

// keptPush is a push certificate's record.
type keptPush struct {
	enrollment.Push
	Watch  renewal.Watch
	Health enrollment.Health
	Audit  enrollment.AuditHead
	Latest enrollment.RenewalID
}

// owner is whose a secret is.
type owner struct {
	tenant   enrollment.TenantID
	id, name string
}

func (s keptServer) owner() owner { return owner{s.Tenant, string(s.ID), s.Name} }

func (p keptPush) owner() owner { return owner{p.Tenant, string(p.ID), p.Name} }

type keptOwner struct {
	Tenant enrollment.TenantID
	Server enrollment.ServerID
}

type keptEntry struct {
	enrollment.AuditEntry
	Filed int64
}

// kept is everything in a store, read past the runner.
type kept struct {
	tenants    []enrollment.Tenant
	policy     []string // of the installation
	servers    []keptServer
	renewals   []renewal.Renewal
	pushes     []keptPush
	pushRuns   []renewal.PushRenewal
	services   map[string]keptOwner
	recipients map[string]keptOwner
	secrets    []string // IDs, "owner/kind/id"
	entries    []keptEntry
	never      []storage.RecordKey // live renewals that are never due
}

func keep(ctx context.Context, store storage.Store) (kept, error) {
	k := kept{services: map[string]keptOwner{}, recipients: map[string]keptOwner{}}
	err := eachRecord(ctx, store, func(rec storage.Record) error {
		if rec.Kind == storage.KindSecret {
			k.secrets = append(k.secrets, rec.ID)
			return nil
		}
		var snapshot struct{ Value json.RawMessage }
		if err := json.Unmarshal(rec.Data, &snapshot); err != nil {
			return fmt.Errorf("%v: %w", rec.RecordKey, err)
		}
		err := k.add(rec, snapshot.Value)
		if err != nil {
			return fmt.Errorf("%v: %w", rec.RecordKey, err)
		}
		return nil
	})
	slices.SortFunc(k.servers, func(a, b keptServer) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(k.pushRuns, func(a, b renewal.PushRenewal) int { return a.StartedAt.Compare(b.StartedAt) })
	slices.SortFunc(k.renewals, func(a, b renewal.Renewal) int { return a.StartedAt.Compare(b.StartedAt) })
	return k, err
}

// eachRecord walks all that a runner keeps.
func eachRecord(ctx context.Context, store storage.Store, do func(storage.Record) error) error {
	kinds := []string{storage.KindSecret}
	for _, k := range runner.KeptKinds() {
		kinds = append(kinds, k.Kind)
	}
	for _, kind := range kinds {
		for after := (storage.Position{}); ; {
			page, err := store.List(ctx, storage.Query{Kind: kind, AllTenants: true, After: after, Limit: storage.MaxPage})
			if err != nil {
				return err
			}
			for _, rec := range page {
				after = rec.Position()
				if err := do(rec); err != nil {
					return err
				}
			}
			if len(page) < storage.MaxPage {
				break
			}
		}
	}
	return nil
}

func (k *kept) add(rec storage.Record, value json.RawMessage) error {
	switch rec.Kind {
	case runner.KindTenant:
		return appended(&k.tenants, value)
	case runner.KindInstallation:
		var i struct{ Policy json.RawMessage }
		err := json.Unmarshal(value, &i)
		k.policy = append(k.policy, string(i.Policy))
		return err
	case runner.KindServer:
		return appended(&k.servers, value)
	case runner.KindRenewal:
		err := appended(&k.renewals, value)
		if err == nil && k.renewals[len(k.renewals)-1].Live() && rec.Wake.IsZero() {
			k.never = append(k.never, rec.RecordKey)
		}
		return err
	case runner.KindPush:
		return appended(&k.pushes, value)
	case runner.KindPushRenewal:
		err := appended(&k.pushRuns, value)
		if err == nil && k.pushRuns[len(k.pushRuns)-1].Live() && rec.Wake.IsZero() {
			k.never = append(k.never, rec.RecordKey)
		}
		return err
	case runner.KindService, runner.KindRecipient:
		var o keptOwner
		err := json.Unmarshal(value, &o)
		if rec.Kind == runner.KindService {
			k.services[rec.ID] = o
		} else {
			k.recipients[rec.ID] = o
		}
		return err
	case runner.KindAudit:
		return appended(&k.entries, value)
	}
	return nil
}

func appended[T any](list *[]T, value json.RawMessage) error {
	var v T
	err := json.Unmarshal(value, &v)
	*list = append(*list, v)
	return err
}

func (k *kept) server(id enrollment.ServerID) (keptServer, bool) {
	i := slices.IndexFunc(k.servers, func(s keptServer) bool { return s.ID == id })
	if i < 0 {
		return keptServer{}, false
	}
	return k.servers[i], true
}

func (k *kept) push(id enrollment.PushID) (keptPush, bool) {
	i := slices.IndexFunc(k.pushes, func(p keptPush) bool { return p.ID == id })
	if i < 0 {
		return keptPush{}, false
	}
	return k.pushes[i], true
}
