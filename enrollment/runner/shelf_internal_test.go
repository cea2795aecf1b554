package runner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// A store that keeps records in order has the least work with many that come in order.
func TestAWriteIsInOrder(t *testing.T) {
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	s := newShelf(newRooms(store, sealer, 0, "").devices, "device", never[deviceRecord])
	var want, put, held []string
	for i := range 50 {
		id := fmt.Sprintf("C%02d", i)
		want = append(want, id)
		d := &tracked[deviceRecord]{Item: s.repo.New("acme", id, deviceRecord{Move: enrollment.MoveID(id)}), moved: i%2 > 0}
		s.put(d)
	}
	var w storage.Write
	require.NoError(t, s.prepare(t.Context(), &w))
	for _, rec := range w.Put {
		put = append(put, rec.ID)
	}
	for _, ref := range w.Hold {
		held = append(held, ref.ID)
	}
	assert.True(t, slices.IsSorted(put), "%v", put)
	assert.True(t, slices.IsSorted(held), "%v", held)
	assert.ElementsMatch(t, want, append(put, held...))
}
