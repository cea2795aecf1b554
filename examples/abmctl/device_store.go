package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// The kinds of records of devices, as the last `devices sync` found them.
const (
	kindDevice = "abmctl_device" // one device of a server
	kindSync   = "abmctl_sync"   // the last list of a server that is whole
)

// deviceRecord is a device as a service showed it.
type deviceRecord struct {
	enrollment.AssignedDevice
	Sync int64 `json:"sync"` // the list that it was seen in last
}

// syncRecord is a list of all devices of a server.
type syncRecord struct {
	Sync    int64     `json:"sync"`
	Devices int       `json:"devices"`
	Capable int       `json:"migration_capable"` // of them
	At      time.Time `json:"synced_at"`
	API     bool      `json:"api_account"` // Apple was asked which devices can migrate
}

// deviceStore keeps the devices of servers.
type deviceStore struct {
	store   storage.Store
	devices *storage.Repo[deviceRecord]
	syncs   *storage.Repo[syncRecord]
}

func newDeviceStore(store storage.Store, sealer storage.Sealer) *deviceStore {
	return &deviceStore{
		store: store,
		devices: storage.NewRepo(store, sealer, storage.Spec[deviceRecord]{
			Kind: kindDevice, Schema: 1,
			Columns: func(d deviceRecord) storage.Columns { return storage.Columns{Parent: string(d.Server)} },
		}),
		syncs: storage.NewRepo(store, sealer, storage.Spec[syncRecord]{Kind: kindSync, Schema: 1}),
	}
}

// conflicts is how often a write is made anew that met what another process wrote meanwhile.
const conflicts = 12

// storeChunk is how many devices are stored in one write.
const storeChunk = 500

// replace stores the list of a server's devices; what is not in it any more goes. A list that breaks off changes no device
// that it does not name.
func (s *deviceStore) replace(
	ctx context.Context, service enrollment.Service, at time.Time, api bool, list iter.Seq2[enrollment.AssignedDevice, error],
) (syncRecord, error) {
	tenant := string(service.Tenant)
	head, err := readOr(ctx, s.syncs, tenant, string(service.Server))
	if err != nil {
		return syncRecord{}, err
	}
	next := syncRecord{Sync: head.Value.Sync + 1, At: at, API: api}
	chunk := map[string]deviceRecord{} // Apple may show a device twice
	for d, err := range list {
		if err != nil {
			return syncRecord{}, err
		}
		d.Server = service.Server
		chunk[d.Serial] = deviceRecord{AssignedDevice: d, Sync: next.Sync}
		if len(chunk) == storeChunk {
			if err := s.put(ctx, tenant, chunk); err != nil {
				return syncRecord{}, err
			}
			clear(chunk)
		}
	}
	if err := s.put(ctx, tenant, chunk); err != nil {
		return syncRecord{}, err
	}
	if err := s.dropOlder(ctx, service, &next); err != nil {
		return syncRecord{}, err
	}
	head.Value = next
	rec, err := s.syncs.Encode(ctx, head)
	if err != nil {
		return syncRecord{}, err
	}
	return next, s.store.Commit(ctx, storage.Write{Put: []storage.Record{rec}})
}

func (s *deviceStore) put(ctx context.Context, tenant string, chunk map[string]deviceRecord) error {
	for again := 0; len(chunk) > 0; again++ {
		var w storage.Write
		for serial, d := range chunk {
			item, err := readOr(ctx, s.devices, tenant, string(d.Server)+"/"+serial)
			if err != nil {
				return err
			}
			item.Value = d
			rec, err := s.devices.Encode(ctx, item)
			if err != nil {
				return err
			}
			w.Put = append(w.Put, rec)
		}
		if err := s.store.Commit(ctx, w); !errors.Is(err, storage.ErrConflict) || again == conflicts {
			return err
		}
	}
	return nil
}

// dropOlder deletes what the newest list does not have, and counts what it has.
func (s *deviceStore) dropOlder(ctx context.Context, service enrollment.Service, newest *syncRecord) error {
	q := storage.Query{Kind: kindDevice, Tenant: string(service.Tenant), Parent: string(service.Server), Limit: storage.MaxPage}
	for {
		records, err := s.store.List(ctx, q)
		if err != nil || len(records) == 0 {
			return err
		}
		var w storage.Write
		for _, rec := range records {
			q.After = rec.Position()
			item, err := s.devices.Decode(ctx, rec)
			switch {
			case err != nil:
				return err
			case item.Value.Sync < newest.Sync:
				w.Delete = append(w.Delete, rec.Ref())
				continue
			case item.Value.Capable == enrollment.Yes:
				newest.Capable++
			}
			newest.Devices++
		}
		if len(w.Delete) > 0 {
			if err := s.store.Commit(ctx, w); err != nil {
				return err
			}
		}
	}
}

// list streams the devices of a server by serial number.
func (s *deviceStore) list(ctx context.Context, tenant enrollment.TenantID, server enrollment.ServerID) iter.Seq2[deviceRecord, error] {
	return func(yield func(deviceRecord, error) bool) {
		for q := (storage.Query{Tenant: string(tenant), Parent: string(server), Limit: storage.MaxPage}); ; {
			items, damaged, err := s.devices.List(ctx, q)
			if err == nil && len(damaged) > 0 {
				err = damaged[0]
			}
			if err != nil {
				yield(deviceRecord{}, err)
				return
			}
			for _, item := range items {
				if !yield(item.Value, nil) {
					return
				}
				q.After = storage.Position{Tenant: item.Tenant, ID: item.ID}
			}
			if len(items) < q.Limit {
				return
			}
		}
	}
}

// last is the newest whole list of a server; the zero one: there is none.
func (s *deviceStore) last(ctx context.Context, tenant enrollment.TenantID, server enrollment.ServerID) (syncRecord, error) {
	item, err := readOr(ctx, s.syncs, string(tenant), string(server))
	return item.Value, err
}

// readOr reads a value, or makes an empty one.
func readOr[T any](ctx context.Context, repo *storage.Repo[T], tenant, id string) (storage.Item[T], error) {
	item, err := repo.Get(ctx, tenant, id)
	if errors.Is(err, storage.ErrNotFound) {
		var none T
		return repo.New(tenant, id, none), nil
	}
	return item, err
}
