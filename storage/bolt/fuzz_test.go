package bolt_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// editSize is the length of one change by the fuzzer: what to do, where, and with what.
const editSize = 6

// edited applies the fuzzer's edits to a sound file, so that it gets behind the first checks.
func edited(file, edits []byte) []byte {
	file = bytes.Clone(file)
	for ; len(edits) >= editSize && len(file) > 0; edits = edits[editSize:] {
		at, value := int(binary.BigEndian.Uint32(edits[1:]))%len(file), edits[5]
		switch page := os.Getpagesize(); edits[0] % 5 {
		case 0:
			file[at] = value
		case 1:
			file[at] ^= 1 << (value % 8)
		case 2: // a page that lies where another belongs
			from := int(value) * page % len(file)
			copy(file[at-at%page:], file[from:min(from+page, len(file))])
		case 3:
			clear(file[at:min(at+int(value), len(file))])
		case 4:
			file = file[:at]
		}
	}
	return file
}

// Whatever happens to a store file, opening and using it ends with the data that was there or with an error that says
// what to do.
func FuzzDamagedFile(f *testing.F) {
	sp := newSpecimen(f, 6)
	f.Add([]byte{})
	for page := range byte(12) {
		f.Add([]byte{0, 0, 0, page << 4, 8, 0xFF})             // a page's kind
		f.Add([]byte{1, 0, 0, page << 4, 10, 0})               // its count
		f.Add([]byte{1, 0, 0, page << 4, 20 + page, 3})        // its elements
		f.Add([]byte{2, 0, 0, page << 4, 0, page + 1})         // another page
		f.Add([]byte{3, 0, 0, page << 4, 64, 200})             // a hole
		f.Add([]byte{4, 0, 0, page << 4, 1, 0, 1, 0, 0, 0, 8}) // the end
	}
	path := filepath.Join(f.TempDir(), "test.db")
	f.Fuzz(func(t *testing.T, edits []byte) {
		if len(edits) > 50*editSize {
			return
		}
		_ = os.Remove(path)
		require.NoError(t, os.WriteFile(path, edited(sp.file, edits), 0o600))
		_, err := sp.fate(path)
		require.NoError(t, err)
	})
}
