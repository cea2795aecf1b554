package seal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Four processes write and read all the time while a fifth rotates and sweeps again and again.
func TestRotationUnderConcurrentWriters(t *testing.T) {
	ctx := context.Background()
	w := filledWorld(t)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for p := range 4 {
		process := openWorld(t, w.store, w.keys, nil)
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := process.rewrite(tenants[n%len(tenants)], (n+p)%perKind); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	retired := 0
	for range 15 {
		for _, tenant := range append(tenants, "") {
			require.NoError(t, w.sealer.RotateDataKey(ctx, tenant))
		}
		require.NoError(t, w.keys.Rotate())
		_, err := w.sealer.RewrapAll(ctx)
		require.NoError(t, err)
		retired += sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds}).Retired
	}
	close(stop)
	writers.Wait()
	w.requireAllReadable(t, "while rotating")

	w.store.advance(aDay)
	retired += sweepAll(t, w.sealer, seal.SweepOptions{Kinds: allKinds}).Retired
	assert.Equal(t, 3*15, retired)
	w.requireAllReadable(t, "in the end")
}

// rewrite stores the same values anew, as a renewal that moves on would.
func (w *world) rewrite(tenant string, i int) error {
	ctx := context.Background()
	old, err := w.store.Get(ctx, ref(tenant, i).Key())
	if err != nil {
		return err
	}
	secret, err := w.vault.Open(ctx, ref(tenant, i))
	if err != nil {
		return err
	}
	fresh, err := w.vault.Seal(ctx, ref(tenant, i), secret)
	if err != nil {
		return err
	}
	fresh.Version = old.Version
	item, err := w.things.Get(ctx, tenant, fmt.Sprint(i))
	if err != nil {
		return err
	}
	rec, err := w.things.Encode(ctx, item)
	if err != nil {
		return err
	}
	if err := w.store.Commit(ctx, storage.Write{Put: []storage.Record{fresh, rec}}); !errors.Is(err, storage.ErrConflict) {
		return err
	}
	return nil
}
