package runner

import (
	"maps"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// What an effect reads, and its result after it, beside the record that owes it: so that this is read for many at once. One that
// is not named here is read when it is needed.

func readsOfServer(s enrollment.Server, x enrollment.Effect) (keys []storage.RecordKey) {
	if x.Kind == enrollment.ProbeToken && s.Token != nil {
		keys = append(keys, secretRef(s, secretToken, s.Token.Secret).Key())
		if s.Pin.ServerUUID != "" {
			keys = append(keys, storage.RecordKey{Kind: KindService, ID: enrollment.NormalUUID(s.Pin.ServerUUID)})
		}
	}
	return keys
}

func readsOfRenewal(r renewal.Renewal, s enrollment.Server, x enrollment.Effect) (keys []storage.RecordKey) {
	keys = append(keys, storage.RecordKey{Kind: KindServer, Tenant: string(s.Tenant), ID: string(r.Server)})
	if x.Kind == enrollment.VerifyToken {
		keys = append(keys, secretRef(s, secretToken, x.Secret).Key())
	}
	return keys
}

func readsOfPush(p enrollment.Push, x enrollment.Effect) []storage.RecordKey {
	if x.Kind != enrollment.ProbePush || p.Certificate == nil {
		return nil
	}
	return []storage.RecordKey{pushSecretRef(p, secretPush, p.Certificate.Secret).Key()}
}

func readsOfMove(m migration.Move) []storage.RecordKey {
	return []storage.RecordKey{{Kind: KindServer, Tenant: string(m.Tenant), ID: string(m.Route.To)}}
}

// related are the records that nearly every decision about those of the errands reads, too, as far as the copies tell that a
// store searches by. What they leave out is read when it is needed.
func (n *nearby) related(all []*errand) []storage.RecordKey {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := map[storage.RecordKey]bool{{Kind: KindInstallation, ID: onlyID}: true}
	for _, e := range all {
		if e.key.Tenant != "" {
			seen[storage.RecordKey{Kind: KindTenant, Tenant: e.key.Tenant, ID: onlyID}] = true
		}
		parent := storage.RecordKey{Tenant: e.key.Tenant, ID: n.known[e.key].Parent}
		switch e.key.Kind {
		case KindRenewal:
			parent.Kind = KindServer
		case KindPushRenewal:
			parent.Kind = KindPush
		case KindWave, KindBatch:
			parent.Kind = KindPlan
		case KindPlan:
			seen[storage.RecordKey{Kind: KindSwitch, ID: onlyID}] = true
			parent.Kind, parent.ID = KindSwitch, onlyID
		}
		if parent.Kind != "" && parent.ID != "" {
			seen[parent] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}
