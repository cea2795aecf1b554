package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// decoded reads all rows.
func decoded(in io.Reader) (rows []runner.Adoption, err error) {
	for row, e := range runner.DecodeAdoptions(in, "fallback") {
		if e != nil {
			return rows, e
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func TestDecodeAdoptions(t *testing.T) {
	const row = `{"reference": "a", "name": "b{}[]\"\\"}`
	for text, want := range map[string]int{
		"": 0, " \n": 0, "[]": 0, " [ ] ": 0, row: 1, row + row: 2, row + "\r\n" + row + "\n": 2,
		"[" + row + "]": 1, "[" + row + ",\n" + row + "] \n": 2, "\ufeff[" + row + "]": 1, "\ufeff" + row: 1,
	} {
		rows, err := decoded(iotest.OneByteReader(strings.NewReader(text)))
		require.NoError(t, err, text)
		require.Len(t, rows, want, text)
		for _, r := range rows {
			assert.Equal(t, `b{}[]"\`, r.Name)
			assert.EqualValues(t, "fallback", r.Tenant)
		}
	}
}

// A file that is cut off, even between two rows, or has anything else in it, is never taken for complete.
func TestDecodeAdoptionsNoticesWhatIsBroken(t *testing.T) {
	const row = `{"reference":"a","name":"b"}`
	for text, rows := range map[string]int{
		"[": 0, "[" + row: 1, "[" + row + ",": 1, "[" + row + ",]": 1, "[," + row + "]": 0, "[" + row + row + "]": 1,
		"[" + row + "]" + row: 1, "[" + row + "] x": 1, "[[" + row + "]]": 0, row + "," + row: 1, row + "]": 1, row + "[": 1,
		"]": 0, "x": 0, "null": 0, `{"reference":`: 0, `{"reference":"`: 0, `{"reference":"a"`: 0, row + `{"keys":[}`: 1,
		`{"reference": 7}`: 0, `{"keys": "none"}`: 0, `{"token_file": "!"}`: 0, "\xef\xbb" + row: 0, row + "\ufeff" + row: 1, "[" + row + ",\ufeff" + row + "]": 1,
	} {
		got, err := decoded(strings.NewReader(text))
		require.ErrorIs(t, err, runner.ErrAdoptionFormat, text)
		assert.Len(t, got, rows, text)
	}
	_, err := decoded(strings.NewReader(row + row + `{"token": {"access_secret": "AS_hidden"`))
	require.ErrorIs(t, err, runner.ErrAdoptionFormat)
	assert.Contains(t, err.Error(), "row 3")
	assert.NotContains(t, err.Error(), "AS_hidden")

	gone := errors.New("the disk is gone")
	_, err = decoded(io.MultiReader(strings.NewReader("["+row+","), iotest.ErrReader(gone)))
	require.ErrorIs(t, err, runner.ErrAdoptionFormat)
	require.ErrorIs(t, err, gone)
	assert.Contains(t, err.Error(), "row 2")
}

// One row may be large, but not without end.
func TestDecodeAdoptionsBoundsARow(t *testing.T) {
	long := func(n int) string { return `{"reference":"` + strings.Repeat("x", n) + `"}` }
	_, err := decoded(strings.NewReader(long(1<<20 - 16)))
	require.NoError(t, err)
	_, err = decoded(strings.NewReader(long(1 << 20)))
	require.ErrorIs(t, err, runner.ErrAdoptionFormat)
	endless := &counted{r: repeat('{')}
	_, err = decoded(endless)
	require.ErrorIs(t, err, runner.ErrAdoptionFormat)
	assert.Less(t, endless.n, 2<<20, "it reads no further")
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// revealed makes rows comparable, whose secrets are not.
func revealed(rows []runner.Adoption) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = fmt.Sprint(row) + row.Token.Reveal()
		for _, k := range row.Keys {
			texts[i] += "\n" + k.Key.Reveal()
		}
	}
	return texts
}

// Whatever the bytes: no panic, and what encoding/json takes as an array of such objects has the same rows here.
func FuzzDecodeAdoptions(f *testing.F) {
	for _, seed := range []string{
		`[{"reference":"a","name":"b","tenant":"t","keys":[{"key":"k","certificate":"c"}]},{"token":{"x":"}"}}]`,
		`{"reference":"a"}{"name":"\"}{"}`, "\ufeff[]", `[{"token_file":"AAAA"},`, `[{}] {}`, `[{},{"name":"\u007d\\"}]`, "{", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := decoded(bytes.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, runner.ErrAdoptionFormat)
		}
		var want []map[string]json.RawMessage
		if json.Unmarshal(text, &want) == nil && want != nil && len(text) < 1<<20 {
			for _, row := range want {
				if row == nil {
					return // null in place of a row: no object
				}
			}
			if err == nil {
				require.Len(t, rows, len(want))
			} else {
				require.Less(t, len(rows), len(want), "an object that is no row stops it")
			}
		}
		again, againErr := decoded(iotest.HalfReader(bytes.NewReader(text)))
		require.Equal(t, revealed(rows), revealed(again), "how the bytes come makes no difference")
		require.Equal(t, err == nil, againErr == nil)
	})
}
