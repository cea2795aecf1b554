// Package sightings keeps in the host's store what devices told their MDMs, for hosts that are several processes: one hears of
// a device, and another wipes it. A host that has a table of devices keeps them there.
package sightings

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/storage"
)

// Kept are sightings in a store. Each is signed as the library's own records are, because the identity of a device that is to
// be wiped is compared with it. A record's state is the serial number, by which a device is found, too.
type Kept struct {
	store storage.Store
	repo  *storage.Repo[nanomdm.Sighting]
}

var _ nanomdm.Sightings = (*Kept)(nil)

// New returns those that are kept as records of a kind of the host's.
func New(store storage.Store, sealer storage.Sealer, kind string) *Kept {
	return &Kept{store, storage.NewRepo(store, sealer, storage.Spec[nanomdm.Sighting]{
		Kind: kind, Schema: 1,
		Columns: func(s nanomdm.Sighting) storage.Columns {
			return storage.Columns{Parent: string(s.MDM), State: s.Serial}
		},
	})}
}

// turns is how often a sighting is joined again that others changed meanwhile.
const turns = 12

func id(mdm enrollment.MDMID, udid string) string { return string(mdm) + "/" + udid }

// Saw implements [nanomdm.Sightings].
func (k *Kept) Saw(ctx context.Context, tenant enrollment.TenantID, seen nanomdm.Sighting) (before, now nanomdm.Sighting, err error) {
	if seen.UDID == "" {
		return before, now, fmt.Errorf("%w: a device without enrollment ID", storage.ErrInvalid)
	}
	for range turns {
		before, now, err = k.join(ctx, string(tenant), seen)
		if !errors.Is(err, storage.ErrConflict) {
			return before, now, err
		}
	}
	return before, now, fmt.Errorf("what a device told was changed too often meanwhile: %w", err)
}

// join joins a sighting with what is known.
func (k *Kept) join(ctx context.Context, tenant string, seen nanomdm.Sighting) (before, now nanomdm.Sighting, err error) {
	item, err := k.repo.Get(ctx, tenant, id(seen.MDM, seen.UDID))
	if errors.Is(err, storage.ErrNotFound) {
		item = k.repo.New(tenant, id(seen.MDM, seen.UDID), nanomdm.Sighting{})
	} else if err != nil {
		return before, now, err
	}
	before, now = item.Value, item.Value.With(seen)
	item.Value = now
	rec, err := k.repo.Encode(ctx, item)
	if err != nil {
		return before, now, err
	}
	return before, now, k.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}})
}

// Sighting implements [nanomdm.Sightings]. Of several enrollments with a serial number the one that was heard of last counts.
func (k *Kept) Sighting(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (nanomdm.Sighting, error) {
	if d.UDID == "" {
		return k.bySerial(ctx, tenant, mdm, d.Serial)
	}
	item, err := k.repo.Get(ctx, string(tenant), id(mdm, d.UDID))
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return nanomdm.Sighting{}, unseen()
	}
	return item.Value, err
}

func (k *Kept) bySerial(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, serial string) (last nanomdm.Sighting, err error) {
	if serial == "" {
		return last, unseen()
	}
	items, damaged, err := k.repo.List(ctx, storage.Query{
		Tenant: string(tenant), Parent: string(mdm), State: serial, Limit: storage.MaxPage,
	})
	if err == nil && len(damaged) > 0 {
		err = damaged[0]
	}
	if err != nil {
		return last, err
	}
	for _, item := range items {
		if item.Value.Serial == serial && item.Value.LastSeen.After(last.LastSeen) {
			last = item.Value
		}
	}
	if last.LastSeen.IsZero() {
		return last, unseen()
	}
	return last, nil
}

func unseen() error {
	return fmt.Errorf("no message of the device has come by: %w", enrollment.ErrNoDevice)
}
