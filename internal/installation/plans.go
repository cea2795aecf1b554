package installation

import (
	"context"
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// mostAwake is how many plans of a tenant may have devices that are due soon: a tenant has a thousand such moves at most.
const mostAwake = 8

// order is a plan of the installation by its number. Half of them were completed within the last year. Of the others, the
// first ones of a tenant are at every moment of their life, the rest are those that nobody works on.
func (g *generator) order(number int) order {
	tenant := sort.SearchInts(g.plans, number+1) - 1
	o := order{seed: g.size.Seed, number: number, tenant: tenantID(tenant), from: g.servers[tenant][0], to: g.servers[tenant][1]}
	sum := o.digest("moment")
	random := func(at, below int) int { return int(binary.BigEndian.Uint32(sum[4*at:])) % below }
	choice := g.moments
	if number-g.plans[tenant] >= mostAwake {
		choice = g.resting
	}
	o.moment = choice[random(0, len(choice))]
	ago := time.Duration(random(1, 600)) * time.Second
	if completed := g.moments[len(g.moments)-1]; random(2, 2) == 0 || o.moment == completed {
		o.moment = completed
		ago = time.Duration(random(3, 300*24*60)) * time.Minute
	}
	o.at = g.now.Add(-ago)
	return o
}

// writePlans writes some plans in one write, unless they are there: the first one tells.
func (g *generator) writePlans(ctx context.Context, first, end int) error {
	o := g.order(first)
	_, err := g.store.Get(ctx, storage.RecordKey{Kind: runner.KindPlan, Tenant: string(o.tenant), ID: o.planID()})
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	var w storage.Write
	for number := first; number < end; number++ {
		records, err := g.order(number).copied(ctx, g.store, g.sealer)
		if err != nil {
			return err
		}
		w.Put = append(w.Put, records...)
	}
	g.counts.records.Add(int64(len(w.Put)))
	return g.store.Commit(ctx, w)
}
