package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// The whole command, with small stores and one round.
func TestReport(t *testing.T) {
	m := meter{clock: sinceStart(), rounds: 1}
	r, err := measureAll(t.Context(), t.TempDir(), "24 November 2026, a machine", m, sizes{small: 100, large: 300, ring: 2, uploads: 2})
	require.NoError(t, err)
	t.Log("\n" + r.full())
	for _, name := range partNames {
		assert.Positive(t, r.upload[name], "every part takes time: %s", name)
	}
	assert.Len(t, r.upload, len(partNames), "every part is named")
}

func TestReportInFullAndInBrief(t *testing.T) {
	r := report{origin: "24 November 2026, a machine", figures: results(), upload: split{partRead: time.Millisecond}}
	full, brief := r.full(), r.brief()
	assert.Regexp(t, `(?s)^24 November 2026, a machine\.\n\n\| figure .*\| just to know .*goals MISSED.*\| \*\*all of it\*\*.*\|\n$`, full)
	assert.Regexp(t, `(?s)^\| figure .*\|\n\n24 November 2026, a machine\.\n$`, brief)
	assert.NotContains(t, brief, "all of it")
	assert.Contains(t, brief, "a step", "has a goal")
	assert.NotContains(t, brief, "just to know")
	assert.Equal(t, full, r.full(), "the report stays as it was")
}

func TestUpdateFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "README.md")
	require.ErrorContains(t, updateFile(name, "", "x"), "root of the repository")
	require.NoError(t, os.WriteFile(name, []byte("<!-- figures -->\n<!-- /figures -->\n<!-- figures: postgres -->\n<!-- /figures: postgres -->\n"), 0o600))
	require.NoError(t, updateFile(name, "", "x\n"))
	require.NoError(t, updateFile(name, "postgres", "y\n"))
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "<!-- figures -->\nx\n<!-- /figures -->\n<!-- figures: postgres -->\ny\n<!-- /figures: postgres -->\n", string(got))
}

// Every nanosecond of a run belongs to exactly one part.
func TestPartsAddUpToTheWhole(t *testing.T) {
	h := &hands{}
	w := &stopwatch{elapsed: h.clock}
	call := func(name, next string, took time.Duration) {
		end := w.during(name, next)
		h.now += took
		end()
	}
	call(partSeal, partRest, 1000) // before the run: of no part
	w.begin()
	h.now += 1
	call(partRead, partRead, 10)
	h.now += 100
	call(partLookUp, partRest, 1000)
	h.now += 10_000
	call(partSeal, partDecrypt, 100_000)
	h.now += 1_000_000
	call(partLookUp, partRest, 10_000_000)
	h.now += 100_000_000
	w.end()
	h.now += 5
	want := split{
		partRest: 100_010_001, partRead: 110, partLookUp: 10_001_000, partSeal: 100_000, partDecrypt: 1_000_000,
	}
	assert.Equal(t, []split{want}, w.runs)
	assert.Equal(t, time.Duration(111_111_111), w.runs[0].whole())
}

// slowSealer takes a while to open what is sealed.
type slowSealer struct {
	storage.Sealer
	hands *hands
}

func (s slowSealer) Open(context.Context, string, []byte, []byte) ([]byte, error) {
	s.hands.now += 7
	return nil, nil
}

// The first secret of an upload is the key; what follows is the decryption. The second is the token, for Apple.
func TestDecryptionFollowsTheKey(t *testing.T) {
	h := &hands{}
	w := &stopwatch{elapsed: h.clock}
	sealer := timedSealer{slowSealer{hands: h}, w}
	for range 2 { // uploads
		w.begin()
		for _, after := range []time.Duration{100, 10_000} {
			_, err := sealer.Open(t.Context(), "acme", nil, nil)
			require.NoError(t, err)
			h.now += after
		}
		w.end()
	}
	want := split{partSeal: 14, partDecrypt: 100, partRest: 10_000}
	assert.Equal(t, []split{want, want}, w.runs)
}

func TestTheFasterHalfCounts(t *testing.T) {
	slow := split{partRead: 1000}
	assert.Equal(t, split{partRead: 3, partRest: 1},
		fasterHalf([]split{slow, {partRead: 4}, slow, {partRead: 2, partRest: 2}}))
	assert.Equal(t, split{partRead: 7}, fasterHalf([]split{slow, {partRead: 7}}))
	assert.Equal(t, split{partRead: 7}, fasterHalf([]split{{partRead: 7}}))
}

func TestMachine(t *testing.T) {
	assert.Regexp(t, `^24 November 2026, .+, \d+ cores, \w+/\w+, go1\.\S+, nanodep`, machine(today)+", "+peerVersion())
}
