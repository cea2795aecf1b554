package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// tenants puts two due records of each of many tenants. By their IDs they are in the order in which they are due.
func (e *env) tenants(ctx context.Context, round string) error {
	var all []storage.Record
	for n := range 2 * manyTenants {
		r := waking(fmt.Sprintf("%s %02d", round, n), start.Add(time.Duration(n-1000)*time.Second))
		r.Tenant = fmt.Sprint("tenant ", n%manyTenants)
		all = append(all, r)
	}
	return e.put(ctx, all...)
}

const manyTenants = 40

// drained claims all that is due in a shard, some at a time, and returns whose it was.
func (e *env) drained(ctx context.Context, shard storage.Shard) (tenants map[string]int, err error) {
	tenants = map[string]int{}
	for {
		c := claim(7, kind)
		c.Shard = shard
		got, err := e.Claim(ctx, c)
		if err != nil || len(got.Records) == 0 {
			return tenants, err
		}
		if order := ids(got.Records); !slices.IsSorted(order) {
			return tenants, fmt.Errorf("claimed %v, which were due in another order", order)
		}
		for _, r := range got.Records {
			tenants[r.Tenant]++
		}
	}
}

var shardCases = []testCase{
	{name: "shards share the tenants among themselves", run: func(ctx context.Context, e *env) error {
		const shards = 3
		owner := map[string]int{}
		for _, round := range []string{"first", "second"} {
			if err := e.tenants(ctx, round); err != nil {
				return err
			}
			found, used := map[string]int{}, 0
			for i := range shards {
				got, err := e.drained(ctx, storage.Shard{Index: i, Of: shards})
				if err != nil {
					return err
				}
				if len(got) > 0 {
					used++
				}
				for tenant, n := range got {
					if was, known := owner[tenant]; known && was != i {
						return fmt.Errorf("%s was in shard %d and is in shard %d", tenant, was, i)
					}
					owner[tenant] = i
					found[tenant] += n
				}
			}
			if used < 2 {
				return fmt.Errorf("all of %d tenants are in one of %d shards", manyTenants, shards)
			}
			for i := range manyTenants {
				if tenant := fmt.Sprint("tenant ", i); found[tenant] != 2 {
					return fmt.Errorf("%d records of %s were claimed in all shards, want 2", found[tenant], tenant)
				}
			}
		}
		return nil
	}},
	{name: "the only shard holds everybody", run: func(ctx context.Context, e *env) error {
		if err := e.tenants(ctx, "first"); err != nil {
			return err
		}
		got, err := e.drained(ctx, storage.Shard{Of: 1})
		if err != nil || len(got) != manyTenants {
			return wrong(err, "%d tenants, want %d", len(got), manyTenants)
		}
		return nil
	}},
	{name: "a shard's claim of none changes nothing", run: func(ctx context.Context, e *env) error {
		if err := e.tenants(ctx, "first"); err != nil {
			return err
		}
		for i := range 2 {
			got, err := e.Claim(ctx, storage.Claim{Kinds: []string{kind}, Shard: storage.Shard{Index: i, Of: 2}})
			if err != nil || len(got.Records) > 0 || !got.More || !got.Now.Equal(storage.Instant(start)) {
				return wrong(err, "claimed %v at %v, more=%v", ids(got.Records), got.Now, got.More)
			}
		}
		return nil
	}},
	{name: "a shard that does not exist is refused", run: func(ctx context.Context, e *env) error {
		if err := e.tenants(ctx, "first"); err != nil {
			return err
		}
		var refused []error
		for _, s := range []storage.Shard{{Index: 1}, {Index: 3, Of: 3}, {Index: -1, Of: 3}, {Of: -1}, {Of: storage.MaxShards + 1}} {
			c := claim(7, kind)
			c.Shard = s
			_, err := e.Claim(ctx, c)
			refused = append(refused, wantError(fmt.Sprintf("shard %d of %d", s.Index, s.Of), err, storage.ErrInvalid))
		}
		return errors.Join(refused...)
	}},
}
