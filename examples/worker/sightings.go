package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/storage"
)

// storeSightings keep in the store what devices told their MDMs, for all machines; a host that has a table of devices keeps
// them there. Each is signed as the library's own records are, because the identity of a device that is to be wiped is
// compared with it. The state is the serial number, by which a device is found, too.
type storeSightings struct {
	store storage.Store
	repo  *storage.Repo[nanomdm.Sighting]
}

var _ nanomdm.Sightings = (*storeSightings)(nil)

const kindSighting = "worker_sighting"

func newSightings(store storage.Store, sealer storage.Sealer) *storeSightings {
	return &storeSightings{store, storage.NewRepo(store, sealer, storage.Spec[nanomdm.Sighting]{
		Kind: kindSighting, Schema: 1,
		Columns: func(s nanomdm.Sighting) storage.Columns {
			return storage.Columns{Parent: string(s.MDM), State: s.Serial}
		},
	})}
}

// turns is how often a sighting is joined again that others changed meanwhile.
const turns = 10

func sightingID(mdm enrollment.MDMID, udid string) string { return string(mdm) + "/" + udid }

// Saw implements [nanomdm.Sightings].
func (s *storeSightings) Saw(ctx context.Context, tenant enrollment.TenantID, seen nanomdm.Sighting) (before, now nanomdm.Sighting, err error) {
	for range turns {
		item, err := s.repo.Get(ctx, string(tenant), sightingID(seen.MDM, seen.UDID))
		if errors.Is(err, storage.ErrNotFound) {
			item = s.repo.New(string(tenant), sightingID(seen.MDM, seen.UDID), nanomdm.Sighting{})
		} else if err != nil {
			return before, now, err
		}
		before, now = item.Value, item.Value.With(seen)
		item.Value = now
		rec, err := s.repo.Encode(ctx, item)
		if err != nil {
			return before, now, err
		}
		err = s.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}})
		if !errors.Is(err, storage.ErrConflict) {
			return before, now, err
		}
	}
	return before, now, fmt.Errorf("%w: what a device told was changed too often meanwhile", storage.ErrConflict)
}

// Sighting implements [nanomdm.Sightings]. Of several enrollments with a serial number the one that was heard of last counts.
func (s *storeSightings) Sighting(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (out nanomdm.Sighting, err error) {
	unseen := fmt.Errorf("no message of the device has come by: %w", enrollment.ErrNoDevice)
	switch {
	case d.UDID != "":
		item, err := s.repo.Get(ctx, string(tenant), sightingID(mdm, d.UDID))
		if errors.Is(err, storage.ErrNotFound) {
			return out, unseen
		}
		return item.Value, err
	case d.Serial == "":
		return out, unseen
	}
	items, damaged, err := s.repo.List(ctx, storage.Query{
		Tenant: string(tenant), Parent: string(mdm), State: d.Serial, Limit: storage.MaxPage,
	})
	if err == nil && len(damaged) > 0 {
		err = damaged[0]
	}
	if err != nil {
		return out, err
	}
	for _, item := range items {
		if item.Value.Serial == d.Serial && item.Value.LastSeen.After(out.LastSeen) {
			out = item.Value
		}
	}
	if out.LastSeen.IsZero() {
		return out, unseen
	}
	return out, nil
}
