package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/storage"
)

// storeSightings keep what devices told their MDMs in the store, for all machines. A host that has a table of devices keeps
// them there. They hold no secret and are due never; the state is the serial number, by which they are found too.
type storeSightings struct{ store storage.Store }

var _ nanomdm.Sightings = storeSightings{}

const kindSighting = "worker_sighting"

// turns is how often a sighting is joined again that others changed meanwhile.
const turns = 10

func sightingKey(tenant enrollment.TenantID, mdm enrollment.MDMID, udid string) storage.RecordKey {
	return storage.RecordKey{Kind: kindSighting, Tenant: string(tenant), ID: string(mdm) + "/" + udid}
}

// Saw implements [nanomdm.Sightings].
func (s storeSightings) Saw(ctx context.Context, tenant enrollment.TenantID, seen nanomdm.Sighting) (before, now nanomdm.Sighting, err error) {
	for range turns {
		rec, err := s.store.Get(ctx, sightingKey(tenant, seen.MDM, seen.UDID))
		switch {
		case errors.Is(err, storage.ErrNotFound):
			before, rec = nanomdm.Sighting{}, storage.Record{RecordKey: sightingKey(tenant, seen.MDM, seen.UDID)}
		case err != nil:
			return before, now, err
		default:
			if before, err = readSighting(rec); err != nil {
				return before, now, err
			}
		}
		now = before.With(seen)
		if rec.Data, err = json.Marshal(now); err != nil {
			return before, now, err
		}
		rec.Parent, rec.State = string(seen.MDM), now.Serial
		err = s.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}})
		if !errors.Is(err, storage.ErrConflict) {
			return before, now, err
		}
	}
	return before, now, fmt.Errorf("%w: what a device told was changed too often meanwhile", storage.ErrConflict)
}

// Sighting implements [nanomdm.Sightings].
func (s storeSightings) Sighting(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (out nanomdm.Sighting, err error) {
	unseen := fmt.Errorf("no message of the device has come by: %w", enrollment.ErrNoDevice)
	if d.UDID != "" {
		rec, err := s.store.Get(ctx, sightingKey(tenant, mdm, d.UDID))
		if errors.Is(err, storage.ErrNotFound) {
			return out, unseen
		}
		if err != nil {
			return out, err
		}
		return readSighting(rec)
	}
	if d.Serial == "" {
		return out, unseen
	}
	page, err := s.store.List(ctx, storage.Query{
		Kind: kindSighting, Tenant: string(tenant), Parent: string(mdm), State: d.Serial, Limit: storage.MaxPage,
	})
	if err != nil {
		return out, err
	}
	for _, rec := range page { // of several enrollments of a device the newest counts
		one, err := readSighting(rec)
		if err != nil {
			return out, err
		}
		if one.LastSeen.After(out.LastSeen) {
			out = one
		}
	}
	if out.LastSeen.IsZero() {
		return out, unseen
	}
	return out, nil
}

func readSighting(rec storage.Record) (out nanomdm.Sighting, err error) {
	if err := json.Unmarshal(rec.Data, &out); err != nil {
		return out, fmt.Errorf("%w: %v: %w", storage.ErrDamaged, rec.RecordKey, err)
	}
	return out, nil
}
