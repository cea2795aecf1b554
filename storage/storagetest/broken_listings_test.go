package storagetest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/abmrenew/abmrenew/storage"
)

// asked asks for another listing than the caller did.
func asked(change func(q *storage.Query)) breakage {
	return lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
		change(&q)
		return sound.List(ctx, q)
	})
}

func countedWith(change func(q *storage.Query)) breakage {
	return counts(func(sound storage.Store, q storage.Query) (map[string]int, error) {
		change(&q)
		return sound.Count(ctx, q)
	})
}

func brokenListings() map[string]map[string]breakage {
	kept := func(hidden func(b *broken, sound storage.Store)) breakage { return buried(hidden) }
	return map[string]map[string]breakage{
		"a listing is complete and in order": {
			"any parent":                    asked(func(q *storage.Query) { q.Parent = "" }),
			"any state":                     asked(func(q *storage.Query) { q.State = "" }),
			"any tenant":                    asked(func(q *storage.Query) { q.AllTenants = true }),
			"the installation is everybody": asked(func(q *storage.Query) { q.AllTenants = q.AllTenants || q.Tenant == "" }),
			"backwards": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				page, err := sound.List(ctx, q)
				slices.Reverse(page)
				return page, err
			}),
			"ordered by ID, then tenant": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				page, err := sound.List(ctx, q)
				slices.SortStableFunc(page, func(a, b storage.Record) int { return cmp.Compare(a.ID, b.ID) })
				return page, err
			}),
			"the last one is missing": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				page, err := sound.List(ctx, q)
				return page[:max(len(page)-1, 0)], err
			}),
		},
		"pages continue behind the last record": {
			"the last record comes again": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				after := q.After
				q.After.ID = q.After.ID[:max(len(q.After.ID)-1, 0)]
				page, err := sound.List(ctx, q)
				return slices.DeleteFunc(page, func(r storage.Record) bool {
					return cmp.Or(cmp.Compare(r.Tenant, after.Tenant), cmp.Compare(r.ID, after.ID)) < 0
				}), err
			}),
			"every page is the first":    asked(func(q *storage.Query) { q.After = storage.Position{} }),
			"a page has all":             asked(func(q *storage.Query) { q.Limit = storage.MaxPage }),
			"the tenant does not count":  asked(func(q *storage.Query) { q.After.Tenant = "" }),
			"the next tenant is skipped": asked(func(q *storage.Query) { q.After.ID += "\U0010FFFF" }),
		},
		"a page continues where its record was deleted": {
			"it ends there": lists(func(sound storage.Store, q storage.Query) ([]storage.Record, error) {
				k := storage.RecordKey{Kind: q.Kind, Tenant: q.After.Tenant, ID: q.After.ID}
				if _, err := sound.Get(ctx, k); err != nil && q.After.ID != "" {
					return nil, nil
				}
				return sound.List(ctx, q)
			}),
			"it begins again": asked(func(q *storage.Query) { q.After = storage.Position{} }),
		},
		"a count counts by state": {
			"any parent": countedWith(func(q *storage.Query) { q.Parent = "" }),
			"any state":  countedWith(func(q *storage.Query) { q.State = "" }),
			"any tenant": countedWith(func(q *storage.Query) { q.AllTenants = true }),
			"a page is counted": counts(func(sound storage.Store, q storage.Query) (map[string]int, error) {
				page, err := sound.List(ctx, q)
				n := map[string]int{}
				for _, r := range page {
					n[r.State]++
				}
				return n, err
			}),
			"what has no state is left out": counts(func(sound storage.Store, q storage.Query) (map[string]int, error) {
				n, err := sound.Count(ctx, q)
				maps.DeleteFunc(n, func(state string, _ int) bool { return state == "" })
				return n, err
			}),
			"states of none are told, too": counts(func(sound storage.Store, q storage.Query) (map[string]int, error) {
				n, err := sound.Count(ctx, q)
				n["never"] = 0
				return n, err
			}),
		},
		"columns are found as they are now": {
			"the state stays": puts(func(sound storage.Store, r *storage.Record) {
				if old, err := sound.Get(ctx, r.RecordKey); err == nil {
					r.State = old.State
				}
			}),
			"the parent stays": puts(func(sound storage.Store, r *storage.Record) {
				if old, err := sound.Get(ctx, r.RecordKey); err == nil {
					r.Parent = old.Parent
				}
			}),
			"an old state is found, too":  asked(func(q *storage.Query) { q.State = onlyIf(q.State != "new", q.State) }),
			"an old parent is found, too": asked(func(q *storage.Query) { q.Parent = onlyIf(q.Parent != "p" || q.State != "", q.Parent) }),
		},
		"a deleted record is gone from everywhere": {
			"it can be read": kept(func(b *broken, sound storage.Store) {
				b.list, b.count, b.claim, b.get = hiddenList(sound), hiddenCount(sound), hiddenClaim(sound), nil
			}),
			"it is listed":  kept(func(b *broken, sound storage.Store) { b.count, b.claim = hiddenCount(sound), hiddenClaim(sound) }),
			"it is counted": kept(func(b *broken, sound storage.Store) { b.list, b.claim = hiddenList(sound), hiddenClaim(sound) }),
			"it is claimed": kept(func(b *broken, sound storage.Store) { b.list, b.count = hiddenList(sound), hiddenCount(sound) }),
			"at any version": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Delete) > 0 {
					return forced(sound, w)
				}
				return sound.Commit(ctx, w)
			}),
		},
		"a reference to a deleted record never fits again": {"it begins anew": fault(reborn)},
	}
}

func onlyIf(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

const gone = "gone" // the state of what buried deletes

// buried marks what is deleted in place of deleting it. The method that hidden leaves alone shows it.
func buried(hidden func(b *broken, sound storage.Store)) fault {
	return func(sound storage.Store, b *broken) {
		b.get = func(k storage.RecordKey) (storage.Record, error) {
			r, err := sound.Get(ctx, k)
			if r.State == gone {
				return storage.Record{}, storage.ErrNotFound
			}
			return r, err
		}
		b.commit = func(w storage.Write) error {
			marked := storage.Write{Put: slices.Clone(w.Put), Hold: w.Hold}
			for _, d := range w.Delete {
				r, err := sound.Get(ctx, d.RecordKey)
				if err != nil || r.State == gone {
					return &storage.ConflictError{Key: d.RecordKey}
				}
				r.Version, r.State = d.Version, gone
				marked.Put = append(marked.Put, r)
			}
			return sound.Commit(ctx, marked)
		}
		hidden(b, sound)
	}
}

func hiddenList(sound storage.Store) func(storage.Query) ([]storage.Record, error) {
	return func(q storage.Query) ([]storage.Record, error) {
		page, err := sound.List(ctx, q)
		return slices.DeleteFunc(page, func(r storage.Record) bool { return r.State == gone }), err
	}
}

func hiddenCount(sound storage.Store) func(storage.Query) (map[string]int, error) {
	return func(q storage.Query) (map[string]int, error) {
		n, err := sound.Count(ctx, q)
		delete(n, gone)
		return n, err
	}
}

func hiddenClaim(sound storage.Store) func(storage.Claim) (storage.Claimed, error) {
	return func(storage.Claim) (storage.Claimed, error) {
		got, err := sound.Claim(ctx, storage.Claim{})
		return got, err
	}
}
