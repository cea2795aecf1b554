package storagetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// due lists what is due now, and what is due next.
func due(sound storage.Store, c storage.Claim) (got storage.Claimed) {
	got, _ = sound.Claim(ctx, storage.Claim{})
	for _, k := range c.Kinds {
		page, _ := sound.List(ctx, storage.Query{Kind: k, AllTenants: true, Limit: storage.MaxPage})
		for _, r := range page {
			if !r.Wake.IsZero() && !r.Wake.After(got.Now) {
				got.Records = append(got.Records, r)
			}
		}
	}
	slices.SortFunc(got.Records, func(a, b storage.Record) int { return a.Wake.Compare(b.Wake) })
	got.Records = got.Records[:min(len(got.Records), c.Limit)]
	return got
}

// unstored returns leases that nobody else sees.
func unstored(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
	if err := c.Validate(); err != nil || c.Limit == 0 {
		return sound.Claim(ctx, c)
	}
	got := due(sound, c)
	for i := range got.Records {
		got.Records[i].Wake = got.Now.Add(c.Lease)
		got.Records[i].Version++
		got.Next = got.Records[i].Wake
	}
	return got, nil
}

// raced finds first and leases then.
func raced(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
	got := due(sound, c)
	moment()
	for i, r := range got.Records {
		r.Wake = got.Now.Add(c.Lease)
		if err := forced(sound, storage.Write{Put: []storage.Record{r}}); err != nil {
			return got, err
		}
		got.Records[i] = r
	}
	return got, nil
}

// claimedWith asks for another claim than the caller did.
func claimedWith(change func(c *storage.Claim)) breakage {
	return claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
		change(&c)
		return sound.Claim(ctx, c)
	})
}

// answered changes what a claim returns.
func answered(change func(c storage.Claim, got *storage.Claimed)) breakage {
	return claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
		got, err := sound.Claim(ctx, c)
		change(c, &got)
		return got, err
	})
}

func brokenClaims() map[string]map[string]breakage {
	noMore := answered(func(_ storage.Claim, got *storage.Claimed) { got.More = false })
	shifted := func(by time.Duration) breakage {
		return clocked(func(now func() time.Time) func() time.Time { return func() time.Time { return now().Add(by) } })
	}
	unversioned := claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
		got := due(sound, c)
		for i := range got.Records {
			got.Records[i].Version++
			got.Records[i].Wake, got.Next = got.Now.Add(c.Lease), got.Now.Add(c.Lease)
		}
		return got, nil
	})
	return map[string]map[string]breakage{
		"due records are claimed oldest first": {
			"ordered by ID": answered(func(_ storage.Claim, got *storage.Claimed) {
				slices.SortFunc(got.Records, func(a, b storage.Record) int { return cmp.Compare(a.ID, b.ID) })
			}),
			"there is never more":   noMore,
			"there is always more":  answered(func(_ storage.Claim, got *storage.Claimed) { got.More = true }),
			"only the first kind":   claimedWith(func(c *storage.Claim) { c.Kinds = c.Kinds[:min(len(c.Kinds), 1)] }),
			"all kinds":             claimedWith(func(c *storage.Claim) { c.Kinds = append(slices.Clone(c.Kinds), "foreign") }),
			"more than the limit":   claimedWith(func(c *storage.Claim) { c.Limit++ }),
			"each kind in its turn": claims(kindByKind),
		},
		"a record is due at its wake time": {"due only after it": shifted(-time.Microsecond), "due before it": shifted(time.Microsecond)},
		"a claim moves the lease and the version": {
			"leases are returned only": claims(unstored), "no version is raised": unversioned,
			"a lease of its own length": claimedWith(func(c *storage.Claim) { c.Lease = time.Hour }),
			"no next time":              answered(func(_ storage.Claim, got *storage.Claimed) { got.Next = time.Time{} }),
			"columns are lost":          answered(func(_ storage.Claim, got *storage.Claimed) { strip(got.Records) }),
			"listings show what was put": fault(func(sound storage.Store, b *broken) {
				gives(func(*storage.Record) {})(sound, b)
				b.list = func(q storage.Query) ([]storage.Record, error) {
					page, err := sound.List(ctx, q)
					for i := range page {
						page[i].Version = 1
					}
					return page, err
				}
			}),
			"commits compare what was put": writes(func(sound storage.Store, w storage.Write) error {
				if len(w.Put)+len(w.Hold) == 0 {
					return forced(sound, w)
				}
				return sound.Commit(ctx, w)
			}),
		},
		"what was claimed is put and deleted as any other": {
			"the lease survives a put": puts(func(sound storage.Store, r *storage.Record) {
				if old, err := sound.Get(ctx, r.RecordKey); err == nil {
					r.Wake = old.Wake
				}
			}),
			"the lease is found by who comes again": fault(reborn),
			"leases are returned only":              claims(unstored),
		},
		"a claim takes up to a thousand": {
			"at most a hundred":   claimedWith(func(c *storage.Claim) { c.Limit = min(c.Limit, 100) }),
			"there is never more": noMore,
		},
		"a clock that goes back ends no lease and loses nothing": {
			"the clock never goes back": clocked(func(now func() time.Time) func() time.Time {
				var latest time.Time
				return func() time.Time {
					if n := now(); n.After(latest) {
						latest = n
					}
					return latest
				}
			}),
			"leases end with the clock": claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
				got, err := sound.Claim(ctx, c)
				if len(got.Records) == 0 && err == nil && c.Limit > 0 {
					page, _ := sound.List(ctx, storage.Query{Kind: kind, AllTenants: true, Limit: c.Limit})
					for _, r := range page {
						if r.Version > 1 && r.Wake.After(got.Now.Add(c.Lease)) { // a lease that is too long
							got.Records = append(got.Records, r)
						}
					}
				}
				return got, err
			}),
		},
		"a claim by key takes only these, if they are due": {
			"the kinds count, too": claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
				if len(c.Keys) > 0 {
					c.Keys, c.Kinds = nil, []string{kind}
				}
				return sound.Claim(ctx, c)
			}),
			"due or not": claims(func(sound storage.Store, c storage.Claim) (got storage.Claimed, err error) {
				for _, k := range c.Keys {
					if r, err := sound.Get(ctx, k); err == nil {
						got.Records = append(got.Records, r)
					}
				}
				return got, nil
			}),
			"named twice, claimed twice": answered(func(_ storage.Claim, got *storage.Claimed) {
				got.Records = append(got.Records, got.Records...)
			}),
		},
		"a claim tells the time and what is next": {
			"its own time":       answered(func(_ storage.Claim, got *storage.Claimed) { got.Now = got.Now.Add(time.Second) }),
			"local time":         answered(func(_ storage.Claim, got *storage.Claimed) { got.Now = got.Now.In(start.Location()) }),
			"no next time":       answered(func(_ storage.Claim, got *storage.Claimed) { got.Next = time.Time{} }),
			"always a next time": answered(func(_ storage.Claim, got *storage.Claimed) { got.Next = later(got.Next) }),
			"none is one": claimedWith(func(c *storage.Claim) {
				if len(c.Kinds) > 0 {
					c.Limit, c.Lease = max(c.Limit, 1), time.Minute
				}
			}),
			"for none there is no more": answered(func(c storage.Claim, got *storage.Claimed) { got.More = got.More && c.Limit > 0 }),
		},
		"no record is claimed by two workers": {"found without a lock": claims(raced), "leases are returned only": claims(unstored)},
		"a put moves the wake time": {
			"the wake time stays": puts(func(sound storage.Store, r *storage.Record) {
				if old, err := sound.Get(ctx, r.RecordKey); err == nil {
					r.Wake = old.Wake
				}
			}),
			"a wake time cannot be taken back": puts(func(sound storage.Store, r *storage.Record) {
				if old, err := sound.Get(ctx, r.RecordKey); err == nil && r.Wake.IsZero() {
					r.Wake = old.Wake
				}
			}),
		},
	}
}

// kindByKind takes all that is due of one kind before the next.
func kindByKind(sound storage.Store, c storage.Claim) (all storage.Claimed, err error) {
	limit := c.Limit
	for _, k := range c.Kinds {
		c.Kinds, c.Limit = []string{k}, limit-len(all.Records)
		got, err := sound.Claim(ctx, c)
		if err != nil {
			return all, err
		}
		all.Records, all.More, all.Now = append(all.Records, got.Records...), all.More || got.More, got.Now
	}
	return all, nil
}

func strip(records []storage.Record) {
	for i := range records {
		records[i].Parent, records[i].State = "", ""
	}
}
