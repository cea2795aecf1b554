package postgres

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// Chunks are all of the records, each once and in order, and none is larger than it has to be.
func TestChunksAreTheWhole(t *testing.T) {
	sizes := map[string][]int{
		"none": nil, "one": {5}, "small ones": {1, 2, 3}, "one that fills a statement": {chunkSize, 1},
		"large ones": {chunkSize - 1, 10, chunkSize / 2, chunkSize / 2, 3, chunkSize}, "empty ones": {0, 0, 0},
	}
	for what, lengths := range sizes {
		var all, got []storage.Record
		for i, n := range lengths {
			all = append(all, storage.Record{Version: int64(i), Data: bytes.Repeat([]byte{1}, n)})
		}
		for chunk := range chunks(all) {
			size := 0
			for _, r := range chunk {
				size += len(r.Data)
			}
			require.True(t, len(chunk) == 1 || size <= chunkSize, "%s: %d records of %d bytes", what, len(chunk), size)
			got = append(got, chunk...)
		}
		require.Len(t, got, len(all), what)
		for i, r := range got {
			require.EqualValues(t, i, r.Version, what)
		}
	}
}
