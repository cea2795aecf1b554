package storagetest

import (
	"maps"
	"slices"

	"github.com/abmrenew/abmrenew/storage"
)

type found = map[storage.RecordKey]storage.Record

// readings breaks what many records at once are read as.
func readings(many func(sound storage.Store, keys []storage.RecordKey) (found, error)) fault {
	return func(sound storage.Store, b *broken) {
		b.many = func(keys []storage.RecordKey) (found, error) { return many(sound, keys) }
	}
}

func brokenReadings() map[string]map[string]breakage {
	changed := func(change func(got found, keys []storage.RecordKey)) breakage {
		return readings(func(sound storage.Store, keys []storage.RecordKey) (found, error) {
			got, err := sound.GetMany(ctx, keys)
			if err == nil {
				change(got, keys)
			}
			return got, err
		})
	}
	one := func(sound storage.Store, keys []storage.RecordKey) (found, error) {
		got := found{}
		for _, k := range keys {
			if r, err := sound.Get(ctx, k); err == nil {
				got[k] = r
			}
			if len(keys) < 10 {
				moment()
			}
		}
		return got, nil
	}
	return map[string]map[string]breakage{
		"many records are read at once": {
			"the last one is left out": changed(func(got found, keys []storage.RecordKey) {
				if len(keys) > 0 {
					delete(got, keys[len(keys)-1])
				}
			}),
			"what is not there is an empty record": changed(func(got found, keys []storage.RecordKey) {
				for _, k := range keys {
					got[k] = storage.Record{RecordKey: k, Version: got[k].Version, Data: got[k].Data}
				}
			}),
			"the columns are left out": changed(func(got found, _ []storage.RecordKey) {
				for k, r := range got {
					r.Parent, r.State = "", ""
					got[k] = r
				}
			}),
			"leases are not seen": changed(func(got found, _ []storage.RecordKey) {
				for k, r := range got {
					r.Version = 1
					got[k] = r
				}
			}),
			"what is missing is an error": readings(func(sound storage.Store, keys []storage.RecordKey) (found, error) {
				for _, k := range keys {
					if _, err := sound.Get(ctx, k); err != nil {
						return nil, err
					}
				}
				return sound.GetMany(ctx, keys)
			}),
			"nothing is an error": readings(func(sound storage.Store, keys []storage.RecordKey) (found, error) {
				if len(keys) == 0 {
					return nil, storage.ErrInvalid
				}
				return sound.GetMany(ctx, keys)
			}),
		},
		"what is read at once is of one moment": {"one after the other": readings(one)},
		"as many are read at once as are written": {
			"a page at most": readings(func(sound storage.Store, keys []storage.RecordKey) (found, error) {
				return sound.GetMany(ctx, keys[:min(len(keys), storage.MaxPage)])
			}),
			"however many": readings(func(sound storage.Store, keys []storage.RecordKey) (found, error) {
				all := found{}
				for chunk := range slices.Chunk(keys, storage.MaxPage) {
					got, err := sound.GetMany(ctx, chunk)
					if err != nil {
						return nil, err
					}
					maps.Copy(all, got)
				}
				return all, nil
			}),
			"of any length": readings(one),
		},
	}
}
