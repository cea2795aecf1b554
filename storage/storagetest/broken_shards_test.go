package storagetest

import (
	"slices"

	"github.com/abmrenew/abmrenew/storage"
)

func brokenShards() map[string]map[string]breakage {
	// ofRecords puts each record into a shard of its own.
	ofRecords := answered(func(c storage.Claim, got *storage.Claimed) {
		got.Records = slices.DeleteFunc(got.Records, func(r storage.Record) bool { return !c.Shard.Holds(r.ID) })
	})
	calls := 0
	return map[string]map[string]breakage{
		"shards share the tenants among themselves": {
			"shards are ignored": claimedWith(func(c *storage.Claim) { c.Shard = storage.Shard{} }),
			"by record":          ofRecords,
			"the last one is empty": answered(func(c storage.Claim, got *storage.Claimed) {
				if c.Shard.Of > 1 && c.Shard.Index == c.Shard.Of-1 {
					got.Records = nil
				}
			}),
			"tenants change": claimedWith(func(c *storage.Claim) {
				if calls++; c.Shard.Of > 1 {
					c.Shard.Index = (c.Shard.Index + calls) % c.Shard.Of
				}
			}),
			"the youngest first": answered(func(_ storage.Claim, got *storage.Claimed) {
				slices.Reverse(got.Records)
			}),
		},
		"the only shard holds everybody": {
			"the only one is half": claimedWith(func(c *storage.Claim) {
				if c.Shard.Of == 1 {
					c.Shard.Of = 2
				}
			}),
		},
		"a shard's claim of none changes nothing": {
			"none is one":           claimedWith(func(c *storage.Claim) { c.Limit, c.Lease = max(c.Limit, 1), 1 }),
			"there is nothing more": answered(func(_ storage.Claim, got *storage.Claimed) { got.More = false }),
		},
		"a shard that does not exist is refused": {
			"it is empty": claims(func(sound storage.Store, c storage.Claim) (storage.Claimed, error) {
				if c.Shard.Validate() != nil {
					return storage.Claimed{}, nil
				}
				return sound.Claim(ctx, c)
			}),
			"an index too far wraps": claimedWith(func(c *storage.Claim) {
				if c.Shard.Of > 0 {
					c.Shard.Index %= c.Shard.Of
				}
			}),
		},
	}
}
