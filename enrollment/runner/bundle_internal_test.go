package runner

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

func writing(w storage.Write) part { return part{errand: &errand{}, change: &change{write: w}} }

func named(id string) storage.RecordKey { return storage.RecordKey{Kind: "thing", ID: id} }

func putting(ids ...string) (w storage.Write) {
	for _, id := range ids {
		w.Put = append(w.Put, storage.Record{RecordKey: named(id), Version: 1})
	}
	return w
}

func holding(version int64, w storage.Write, ids ...string) storage.Write {
	for _, id := range ids {
		w.Hold = append(w.Hold, storage.Ref{RecordKey: named(id), Version: version})
	}
	return w
}

func deleting(w storage.Write, id string) storage.Write {
	w.Delete = append(w.Delete, storage.Ref{RecordKey: named(id), Version: 1})
	return w
}

// Changes are written together only where none touches what another one touches: so it is as if one came after the other.
func TestABundleTakesWhatDoesNotTouch(t *testing.T) {
	first := deleting(holding(3, putting("a"), "h"), "d")
	for name, c := range map[string]struct {
		second storage.Write
		fits   bool
	}{
		"others":                        {holding(1, putting("b", "c"), "i"), true},
		"the same hold":                 {holding(3, putting("b"), "h"), true},
		"a hold of another version":     {holding(4, putting("b"), "h"), false},
		"the same record":               {putting("b", "a"), false},
		"what is held":                  {putting("h"), false},
		"what is deleted":               {putting("d"), false},
		"a hold of what moves":          {holding(1, putting("b"), "a"), false},
		"a hold of what is deleted":     {holding(1, putting("b"), "d"), false},
		"a deletion of what moves":      {deleting(putting("b"), "a"), false},
		"a deletion of what is held":    {deleting(putting("b"), "h"), false},
		"a deletion of what is deleted": {deleting(putting("b"), "d"), false},
	} {
		b := newBundle()
		require.True(t, b.add(writing(first)))
		require.Equal(t, c.fits, b.add(writing(c.second)), name)
		require.NoError(t, b.Validate(), name)
		want := 1
		if c.fits {
			want += len(c.second.Put)
		}
		assert.Len(t, b.Put, want, name)
	}
}

// A conflict takes those apart that touch the record, however they do, and leaves the others together.
func TestABundleIsTakenApartByAConflict(t *testing.T) {
	fresh := func() *bundle {
		b := newBundle()
		for _, w := range []storage.Write{
			holding(1, putting("a"), "shared"), holding(1, putting("b"), "shared"), putting("c"), deleting(putting("d"), "gone"),
		} {
			require.True(t, b.add(writing(w)))
		}
		return b
	}
	for key, want := range map[string][2]int{"a": {1, 3}, "shared": {2, 2}, "gone": {1, 3}, "stranger": {4, 0}} {
		those, rest := fresh().without(fmt.Errorf("somehow: %w", &storage.ConflictError{Key: named(key)}))
		assert.Equal(t, want, [2]int{len(those), len(rest.parts)}, key)
		assert.Len(t, rest.Put, want[1], key)
	}
	those, rest := fresh().without(storage.ErrConflict)
	assert.Len(t, those, 4, "nobody knows which")
	assert.Empty(t, rest.parts)
}

// A bundle is no larger than a store takes at once, and has room for one change of any size.
func TestABundleIsBounded(t *testing.T) {
	b := newBundle()
	large := storage.Write{Put: []storage.Record{{RecordKey: named("large"), Data: make([]byte, maxBundledData+1)}}}
	assert.False(t, b.full(large), "alone it is for the store to judge")
	n := 0
	for ; !b.full(putting(fmt.Sprint(n))); n++ {
		require.True(t, b.add(writing(putting(fmt.Sprint(n)))))
	}
	assert.Equal(t, maxBundled, n)
	b = newBundle()
	require.True(t, b.add(writing(putting("small"))))
	assert.True(t, b.full(large))
}
