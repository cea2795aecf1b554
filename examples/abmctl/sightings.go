package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/storage"
)

// The kinds of records that this program keeps beside the library's.
const (
	kindSighting = "abmctl_sighting" // what a device told its MDM, by MDM and enrollment ID
	kindSerial   = "abmctl_serial"   // which enrollment ID a serial number has at an MDM
)

// sightings keep in the store what devices told their MDMs, because the command that makes a plan is another process than the
// one that listens.
type sightings struct {
	store  storage.Store
	seen   *storage.Repo[nanomdm.Sighting]
	serial *storage.Repo[serialRecord]
}

type serialRecord struct {
	UDID string `json:"udid"`
}

var _ nanomdm.Sightings = (*sightings)(nil)

func newSightings(store storage.Store, sealer storage.Sealer) *sightings {
	return &sightings{
		store:  store,
		seen:   storage.NewRepo(store, sealer, storage.Spec[nanomdm.Sighting]{Kind: kindSighting, Schema: 1}),
		serial: storage.NewRepo(store, sealer, storage.Spec[serialRecord]{Kind: kindSerial, Schema: 1}),
	}
}

// conflicts is how often a sighting is joined anew with what another process wrote meanwhile.
const conflicts = 12

// Saw joins a sighting with what is known.
func (s *sightings) Saw(
	ctx context.Context, tenant enrollment.TenantID, seen nanomdm.Sighting,
) (before, now nanomdm.Sighting, err error) {
	if seen.UDID == "" {
		return before, now, fmt.Errorf("%w: a device without enrollment ID", storage.ErrInvalid)
	}
	for range conflicts {
		before, now, err = s.join(ctx, string(tenant), seen)
		if !errors.Is(err, storage.ErrConflict) {
			break
		}
	}
	return before, now, err
}

func (s *sightings) join(ctx context.Context, tenant string, seen nanomdm.Sighting) (before, now nanomdm.Sighting, err error) {
	item, err := readOr(ctx, s.seen, tenant, at(seen.MDM, seen.UDID))
	if err != nil {
		return before, now, err
	}
	before = item.Value
	now = before.With(seen)
	item.Value = now
	rec, err := s.seen.Encode(ctx, item)
	if err != nil {
		return before, now, err
	}
	w := storage.Write{Put: []storage.Record{rec}}
	if now.Serial != "" {
		named, err := readOr(ctx, s.serial, tenant, at(seen.MDM, now.Serial))
		if err != nil {
			return before, now, err
		}
		if named.Value.UDID != now.UDID {
			named.Value.UDID = now.UDID
			rec, err := s.serial.Encode(ctx, named)
			if err != nil {
				return before, now, err
			}
			w.Put = append(w.Put, rec)
		}
	}
	return before, now, s.store.Commit(ctx, w)
}

// Sighting returns what is known of a device.
func (s *sightings) Sighting(
	ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device,
) (nanomdm.Sighting, error) {
	udid := d.UDID
	if udid == "" && d.Serial != "" {
		named, err := readOr(ctx, s.serial, string(tenant), at(mdm, d.Serial))
		if err != nil {
			return nanomdm.Sighting{}, err
		}
		udid = named.Value.UDID
	}
	if udid == "" {
		return nanomdm.Sighting{}, neverSeen()
	}
	item, err := s.seen.Get(ctx, string(tenant), at(mdm, udid))
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return nanomdm.Sighting{}, neverSeen()
	}
	return item.Value, err
}

func neverSeen() error {
	return fmt.Errorf("no message of the device has come by: %w", enrollment.ErrNoDevice)
}

// at is where something of an MDM is kept.
func at(mdm enrollment.MDMID, name string) string { return string(mdm) + "/" + name }

// readOr reads a value, or makes an empty one.
func readOr[T any](ctx context.Context, repo *storage.Repo[T], tenant, id string) (storage.Item[T], error) {
	item, err := repo.Get(ctx, tenant, id)
	if errors.Is(err, storage.ErrNotFound) {
		var none T
		return repo.New(tenant, id, none), nil
	}
	return item, err
}
