package storagetest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

func brokenCommits() map[string]map[string]breakage {
	return map[string]map[string]breakage{
		"a record comes back as it was given": {
			"the parent is lost":        gives(func(r *storage.Record) { r.Parent = "" }),
			"the state is lost":         gives(func(r *storage.Record) { r.State = "" }),
			"the data are lost":         gives(func(r *storage.Record) { r.Data = nil }),
			"data are cut at a zero":    gives(func(r *storage.Record) { r.Data, _, _ = bytes.Cut(r.Data, []byte{0}) }),
			"wake times in seconds":     puts(func(_ storage.Store, r *storage.Record) { r.Wake = r.Wake.Truncate(time.Second) }),
			"wake times in local time":  gives(func(r *storage.Record) { r.Wake = r.Wake.In(start.Location()) }),
			"old wake times are none":   puts(func(_ storage.Store, r *storage.Record) { r.Wake = onlyAfter(r.Wake, 1970) }),
			"no wake time is some time": puts(func(_ storage.Store, r *storage.Record) { r.Wake = storage.Instant(later(r.Wake)) }),
			"no record is no error": fault(func(sound storage.Store, b *broken) {
				b.get = func(k storage.RecordKey) (storage.Record, error) { r, _ := sound.Get(ctx, k); return r, nil }
			}),
			"no record is some error": fault(func(sound storage.Store, b *broken) {
				b.get = func(k storage.RecordKey) (storage.Record, error) {
					r, err := sound.Get(ctx, k)
					if err != nil {
						err = errors.New("no rows")
					}
					return r, err
				}
			}),
			"nothing is written": writes(func(storage.Store, storage.Write) error { return nil }),
		},
		"versions count up": {
			"the version stays": gives(func(r *storage.Record) { r.Version = 1 }),
			"versions jump":     gives(func(r *storage.Record) { r.Version *= 2 }),
		},
		"a stale version conflicts": {
			"the last writer wins": writes(forced),
			"a conflict without its record": writes(func(sound storage.Store, w storage.Write) error {
				if err := sound.Commit(ctx, w); err != nil {
					return storage.ErrConflict
				}
				return nil
			}),
			"an error of its own": writes(func(sound storage.Store, w storage.Write) error {
				if err := sound.Commit(ctx, w); err != nil {
					return errors.New("no row was updated")
				}
				return nil
			}),
			"a later version is taken": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Put) == 1 && w.Put[0].Version > 1 {
					return forced(sound, w)
				}
				return sound.Commit(ctx, w)
			}),
		},
		"a write happens whole or not at all": {
			"one record after the other": writes(oneByOne),
			"what conflicts is left out": writes(func(sound storage.Store, w storage.Write) error {
				err := sound.Commit(ctx, w)
				if err != nil {
					for _, r := range w.Put {
						_ = sound.Commit(ctx, storage.Write{Put: []storage.Record{r}})
					}
				}
				return err
			}),
		},
		"of many writers of one version one wins": {
			"compared without a lock": writes(unlocked),
			"the last writer wins":    writes(forced),
		},
		"a listing sees whole writes only": {
			"one record after the other": writes(oneByOne),
			"a listing in two parts": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				limit := q.Limit
				q.Limit = 1
				var all []storage.Record
				for range limit {
					page, err := sound.List(ctx, q)
					if err != nil {
						return nil, err
					}
					all = append(all, page...)
					q.After = page[0].Position()
					moment()
				}
				return all, nil
			}),
		},
		"what is given and returned is copied": {
			"what was given is kept":        keeps("Commit"),
			"what was read is kept":         keeps("Get"),
			"what was read at once is kept": keeps("GetMany"),
			"what was listed is kept":       keeps("List"),
			"what was claimed is kept":      keeps("Claim"),
			"leases are returned only":      claims(unstored),
			"listings give nothing back":    lists(func(storage.Store, storage.Query) ([]storage.Record, error) { return nil, nil }),
		},
		"a cancelled context stops every call": {
			"Get goes on": deaf("Get"), "GetMany goes on": deaf("GetMany"), "Commit goes on": deaf("Commit"), "Claim goes on": deaf("Claim"),
			"List goes on": deaf("List"), "Count goes on": deaf("Count"),
		},
	}
}

// keeps shares the bytes of the data with its callers, given or returned by one method.
func keeps(method string) breakage {
	return fault(func(sound storage.Store, b *broken) {
		var mu sync.Mutex
		shared := map[storage.RecordKey][]byte{}
		share := func(by string, r storage.Record) {
			mu.Lock()
			defer mu.Unlock()
			if by == method {
				shared[r.RecordKey] = r.Data
			}
		}
		b.commit = func(w storage.Write) error {
			for _, r := range w.Put {
				share("Commit", r)
			}
			return sound.Commit(ctx, w)
		}
		b.get = func(k storage.RecordKey) (storage.Record, error) {
			r, err := sound.Get(ctx, k)
			mu.Lock()
			if data, ok := shared[k]; ok && err == nil {
				r.Data = data
			}
			mu.Unlock()
			share("Get", r)
			return r, err
		}
		b.many = func(keys []storage.RecordKey) (found, error) {
			got, err := sound.GetMany(ctx, keys)
			for _, r := range got {
				share("GetMany", r)
			}
			return got, err
		}
		b.list = func(q storage.Query) ([]storage.Record, error) {
			page, err := sound.List(ctx, q)
			for _, r := range page {
				share("List", r)
			}
			return page, err
		}
		b.claim = func(c storage.Claim) (storage.Claimed, error) {
			got, err := sound.Claim(ctx, c)
			for _, r := range got.Records {
				share("Claim", r)
			}
			return got, err
		}
	})
}

func brokenHolds() map[string]map[string]breakage {
	noHolds := writes(func(sound storage.Store, w storage.Write) error {
		if err := w.Validate(); err != nil {
			return err
		}
		w.Hold = nil
		return sound.Commit(ctx, w)
	})
	touched := writes(func(sound storage.Store, w storage.Write) error {
		err := sound.Commit(ctx, w)
		for _, h := range w.Hold {
			if r, missing := sound.Get(ctx, h.RecordKey); err == nil && missing == nil {
				err = sound.Commit(ctx, storage.Write{Put: []storage.Record{r}})
			}
		}
		return err
	})
	comparedOnly := writes(func(sound storage.Store, w storage.Write) error {
		if err := errors.Join(w.Validate(), compared(sound, storage.Write{Hold: w.Hold})); err != nil {
			return err
		}
		if len(w.Hold) > 0 {
			moment()
		}
		return sound.Commit(ctx, storage.Write{Put: w.Put, Delete: w.Delete})
	})
	return map[string]map[string]breakage{
		"a hold is checked": {
			"holds are ignored": noHolds,
			"a hold of nothing is ignored": writes(func(sound storage.Store, w storage.Write) error {
				w.Hold = slices.DeleteFunc(slices.Clone(w.Hold), func(r storage.Ref) bool { return r.Version == 0 })
				return sound.Commit(ctx, w)
			}),
			"what is missing may be held": writes(func(sound storage.Store, w storage.Write) error {
				w.Hold = slices.DeleteFunc(slices.Clone(w.Hold), func(r storage.Ref) bool {
					_, err := sound.Get(ctx, r.RecordKey)
					return err != nil
				})
				return sound.Commit(ctx, w)
			}),
			"a hold raises the version": touched,
			"holds are checked too late": writes(func(sound storage.Store, w storage.Write) error {
				return errors.Join(sound.Commit(ctx, storage.Write{Put: w.Put}), sound.Commit(ctx, storage.Write{Hold: w.Hold}))
			}),
		},
		"a write that holds alone changes nothing": {
			"holds are ignored": noHolds, "a hold raises the version": touched,
			"an empty write is an error": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Put)+len(w.Hold)+len(w.Delete) == 0 {
					return errors.New("an empty batch")
				}
				return sound.Commit(ctx, w)
			}),
			"without a put nothing is checked": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Put)+len(w.Delete) == 0 {
					return nil
				}
				return sound.Commit(ctx, w)
			}),
		},
		"nothing gets past a switch that is held": {"compared without a lock": comparedOnly, "holds are ignored": noHolds},
		"of two that hold each other's record one wins": {
			"compared without a lock": comparedOnly, "holds are ignored": noHolds,
			"a shared lock is never given up": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Hold) > 0 {
					return &storage.ConflictError{Key: w.Hold[0].RecordKey}
				}
				return sound.Commit(ctx, w)
			}),
		},
	}
}

func brokenBounds() map[string]map[string]breakage {
	unless := func(refuses func(w storage.Write) bool) breakage {
		return writes(func(sound storage.Store, w storage.Write) error {
			if refuses(w) {
				return storage.ErrInvalid
			}
			return sound.Commit(ctx, w)
		})
	}
	quiet := func(w storage.Write) error {
		if w.Validate() != nil {
			return nil
		}
		return errors.New("valid")
	}
	return map[string]map[string]breakage{
		"what can never succeed is refused": {
			"an invalid write is done in part": writes(func(sound storage.Store, w storage.Write) error {
				if w.Validate() != nil && len(w.Put) > 0 {
					_ = sound.Commit(ctx, storage.Write{Put: w.Put[:1]})
					return storage.ErrInvalid
				}
				return sound.Commit(ctx, w)
			}),
			"an invalid write is dropped": writes(func(sound storage.Store, w storage.Write) error {
				if quiet(w) == nil {
					return nil
				}
				return sound.Commit(ctx, w)
			}),
			"any query is answered": lists(func(storage.Store, storage.Query) ([]storage.Record, error) { return nil, nil }),
			"any claim is answered": claims(func(storage.Store, storage.Claim) (storage.Claimed, error) { return storage.Claimed{}, nil }),
			"any number is taken": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Hold) > storage.MaxWriteSize {
					return nil
				}
				return sound.Commit(ctx, w)
			}),
			"long keys are cut":      puts(func(_ storage.Store, r *storage.Record) { r.ID = r.ID[:min(len(r.ID), storage.MaxKeyPart)] }),
			"wake times are rounded": puts(func(_ storage.Store, r *storage.Record) { r.Wake = storage.Instant(r.Wake) }),
		},
		"the largest record is taken": {
			"less data":       unless(func(w storage.Write) bool { return len(w.Put[0].Data) > storage.MaxData-1 }),
			"shorter keys":    unless(func(w storage.Write) bool { return len(w.Put[0].ID) > storage.MaxKeyPart-1 }),
			"data are cut":    puts(func(_ storage.Store, r *storage.Record) { r.Data = r.Data[:min(len(r.Data), 65_536)] }),
			"columns are cut": puts(func(_ storage.Store, r *storage.Record) { r.Parent = r.Parent[:min(len(r.Parent), 255)] }),
		},
		"the largest write is taken at once": {
			"fewer records": unless(func(w storage.Write) bool { return len(w.Put)+len(w.Hold)+len(w.Delete) > 5000 }),
			"only the first thousand are written": writes(func(sound storage.Store, w storage.Write) error {
				w.Put = w.Put[:min(len(w.Put), 1000)]
				return sound.Commit(ctx, w)
			}),
			"only the first thousand are deleted": writes(func(sound storage.Store, w storage.Write) error {
				w.Delete = w.Delete[:min(len(w.Delete), 1000)]
				return sound.Commit(ctx, w)
			}),
		},
	}
}

// onlyAfter returns t, or no time if it lies before the year.
func onlyAfter(t time.Time, year int) time.Time {
	if t.Year() < year {
		return time.Time{}
	}
	return t
}

// later returns t, or some late time in place of none.
func later(t time.Time) time.Time {
	if t.IsZero() {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}
