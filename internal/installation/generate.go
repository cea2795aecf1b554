package installation

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// Progress is how far a generator is.
type Progress struct {
	Servers, Devices, Records int // so far; Records are those of plans
	Of                        Size
}

// generator makes one installation.
type generator struct {
	store   storage.Store
	sealer  storage.Sealer
	runner  *runner.Runner
	size    Size
	now     time.Time // when the installation began
	more    []int     // servers of the tenants before each one, beside two for each
	plans   []int     // plans of the tenants before each one
	servers [][2]enrollment.ServerID
	moments []*moment
	resting []*moment // of these, those of which nothing is due soon
	// together is how many plans fit into one write.
	together int
	counts   struct{ servers, devices, records atomic.Int64 }
}

// Generate makes an installation in a store, or what is missing of it: it may be interrupted at any moment, and called again
// with the same size. Only a few thousand records are in memory. Workers is how many cores it keeps busy; report hears how
// far it is, after each write, and may be nil.
func Generate(ctx context.Context, store storage.Store, sealer storage.Sealer, size Size, workers int, report func(Progress)) error {
	g, err := newGenerator(ctx, store, sealer, size)
	if err != nil {
		return err
	}
	if report == nil {
		report = func(Progress) {}
	}
	var telling sync.Mutex
	tell := func() {
		telling.Lock()
		defer telling.Unlock()
		report(Progress{
			Servers: int(g.counts.servers.Load()), Devices: int(g.counts.devices.Load()), Records: int(g.counts.records.Load()), Of: g.size,
		})
	}
	if err := AllowWipes(ctx, g.runner); err != nil {
		return err
	}
	const tenants = 50 // whose servers are adopted in one go
	err = shared(ctx, workers, g.size.Tenants, tenants, func(ctx context.Context, first, end int) error {
		defer tell()
		return g.adopt(ctx, first, end)
	})
	if err != nil {
		return fmt.Errorf("adopting servers: %w", err)
	}
	err = shared(ctx, workers, g.size.plans(), g.together, func(ctx context.Context, first, end int) error {
		defer tell()
		err := g.writePlans(ctx, first, end)
		g.counts.devices.Add(int64((end - first) * PlanDevices))
		return err
	})
	if err != nil {
		return fmt.Errorf("writing plans: %w", err)
	}
	return nil
}

func newGenerator(ctx context.Context, store storage.Store, sealer storage.Sealer, size Size) (*generator, error) {
	size, err := size.filled()
	if err != nil {
		return nil, err
	}
	g := &generator{
		store: store, sealer: sealer, size: size, servers: make([][2]enrollment.ServerID, size.Tenants),
		more: shares(size.Servers-2*size.Tenants, size.Tenants), plans: shares(size.plans(), size.Tenants),
	}
	if g.runner, err = runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: Apple{}}); err != nil {
		return nil, err
	}
	if g.now, err = g.beginning(ctx); err != nil {
		return nil, err
	}
	if g.moments, err = life(); err != nil {
		return nil, err
	}
	largest := 0
	for _, m := range g.moments {
		if largest = max(largest, len(m.records)); m.resting {
			g.resting = append(g.resting, m)
		}
	}
	g.together = storage.MaxWriteSize / largest
	return g, nil
}

// shared has workers do the numbers up to n, some at once; the first error ends it.
func shared(ctx context.Context, workers, n, atOnce int, do func(ctx context.Context, first, end int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				first := int(next.Add(int64(atOnce))) - atOnce
				if first >= n {
					return
				}
				if err := do(ctx, first, min(first+atOnce, n)); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
