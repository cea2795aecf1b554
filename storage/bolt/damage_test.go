package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// specimen is a sound store file, with what may be read from it.
type specimen struct {
	model   *model
	steps   int
	records map[storage.RecordKey]storage.Record // after the last step
	before  map[storage.RecordKey]storage.Record // and before it
	file    []byte
}

func newSpecimen(t testing.TB, steps int) *specimen {
	t.Helper()
	m, err := newModel()
	require.NoError(t, err)
	sp := &specimen{model: m, steps: steps}
	require.NoError(t, m.grow(steps-1))
	sp.before = recordsOf(t, m.store)
	require.NoError(t, m.grow(steps))
	sp.records = recordsOf(t, m.store)
	require.NoError(t, m.grow(steps+more))
	clock, path := &stepClock{}, filepath.Join(t.TempDir(), "good.db")
	s, err := bolt.Open(path, bolt.WithoutSync(bolt.Options{Now: clock.Now}))
	require.NoError(t, err)
	for n := 1; n <= steps; n++ {
		require.NoError(t, clock.step(context.Background(), s, n))
	}
	require.NoError(t, s.Close())
	sp.file, err = os.ReadFile(path)
	require.NoError(t, err)
	return sp
}

// fate says what became of a damaged file: it was refused, or some call was, or all is as it was, or as it was before
// the last step. Anything else is an error: wrong data, or a failure that does not say what to do.
func (sp *specimen) fate(path string) (string, error) {
	overdue := time.AfterFunc(time.Minute, func() { panic("a damaged file hangs the store: " + path) })
	defer overdue.Stop()
	clock := &stepClock{}
	clock.n.Store(int64(sp.steps))
	s, err := bolt.Open(path, bolt.WithoutSync(bolt.Options{Now: clock.Now}))
	if err != nil {
		return "refused", saysDamaged(err)
	}
	f, err := fingerprintOf(context.Background(), s)
	found := "a call refused"
	switch {
	case err != nil:
		err = saysDamaged(err)
	case f == sp.model.after[sp.steps]:
		found = "harmless"
	case f == sp.model.after[sp.steps-1]: // the newest of the two beginnings of the file is gone
		found = "one step back"
	default:
		err = errors.New("wrong data")
	}
	err = errors.Join(err, sp.lookUp(s, found))
	// Whatever it is, work goes on, right, or is refused.
	worked := true
	for n := sp.steps + 1; n <= sp.steps+more; n++ {
		if working := clock.step(context.Background(), s, n); working != nil {
			worked = false
			err = errors.Join(err, saysDamaged(working))
		}
	}
	if !worked {
		found = "a call refused"
	} else if after, reading := fingerprintOf(context.Background(), s); reading == nil && found == "harmless" && after != sp.model.after[sp.steps+more] {
		err = errors.Join(err, errors.New("wrong data after more work"))
	}
	return found, errors.Join(err, s.Close())
}

const more = 3 // steps that are done on a damaged file

// lookUp reads each record by its key: it is the right one, or refused; where not all is well, it may be that of one step
// before.
func (sp *specimen) lookUp(s storage.Store, found string) (err error) {
	for k, want := range sp.records {
		got, missing := s.Get(context.Background(), k)
		old := found != "harmless" && assert.ObjectsAreEqual(sp.before[k], got)
		if !errors.Is(missing, storage.ErrDamaged) && !old && !assert.ObjectsAreEqual(want, got) {
			err = errors.Join(err, fmt.Errorf("wrong data at %v: got version %d, want %d", k, got.Version, want.Version), missing)
		}
	}
	return err
}

// recordsOf returns all that a store holds.
func recordsOf(t testing.TB, s storage.Store) map[storage.RecordKey]storage.Record {
	t.Helper()
	all := map[storage.RecordKey]storage.Record{}
	for _, kind := range workKinds {
		page, err := s.List(context.Background(), storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage})
		require.NoError(t, err)
		for _, r := range page {
			all[r.RecordKey] = r
		}
	}
	return all
}

// saysDamaged returns nil if err says that the store is damaged and what to do.
func saysDamaged(err error) error {
	text := err.Error()
	for _, advice := range []string{"restore", "name another file", "remove it", "update this one"} {
		if errors.Is(err, storage.ErrDamaged) && strings.Contains(text, advice) {
			return nil
		}
	}
	return fmt.Errorf("an error that does not help: %w", err)
}

// damages are ways in which a file can come back from a failing disk or a careless person.
func (sp *specimen) damages(random *rand.Rand, flips int) map[string][][]byte {
	page := os.Getpagesize()
	pages := (len(bytes.TrimRight(sp.file, "\x00")) + page - 1) / page // the others were never used
	changed := func(change func(file []byte)) []byte {
		file := bytes.Clone(sp.file)
		change(file)
		return file
	}
	of := func(file []byte, n int) []byte { return file[n*page : (n+1)*page] }
	all := map[string][][]byte{}
	for n := range pages {
		all["cut at a page"] = append(all["cut at a page"], sp.file[:n*page])
		all["page zeroed"] = append(all["page zeroed"], changed(func(f []byte) { clear(of(f, n)) }))
		all["page of ones"] = append(all["page of ones"], changed(func(f []byte) { copy(of(f, n), bytes.Repeat([]byte{0xFF}, page)) }))
		for range 1 + flips/4 {
			other := random.IntN(pages)
			all["page written in the wrong place"] = append(all["page written in the wrong place"],
				changed(func(f []byte) { copy(of(f, n), of(sp.file, other)) }))
			all["page whose second half is another's"] = append(all["page whose second half is another's"],
				changed(func(f []byte) { copy(of(f, n)[page/2:], of(sp.file, other)[page/2:]) }))
		}
		for range flips {
			at := n*page + random.IntN(page)
			if random.IntN(2) == 0 {
				at = n*page + random.IntN(200) // where the structure is
			}
			all["bit flipped"] = append(all["bit flipped"], changed(func(f []byte) { f[at] ^= 1 << random.IntN(8) }))
		}
	}
	for n := range pages {
		if of(sp.file, n)[8] == 0x10 && of(sp.file, n)[10] > 0 { // a list of free pages
			for other := 2; other < pages; other++ {
				all["a page listed as free"] = append(all["a page listed as free"],
					changed(func(f []byte) { binary.NativeEndian.PutUint64(of(f, n)[16:], uint64(other)) }))
			}
		}
		if of(sp.file, n)[8] != 1 || binary.NativeEndian.Uint64(of(sp.file, n)) != uint64(n) {
			continue // no branch page
		}
		for i := range int(binary.NativeEndian.Uint16(of(sp.file, n)[10:])) {
			element := n*page + 16 + 16*i
			key := element + int(binary.NativeEndian.Uint32(sp.file[element:]))
			for range flips {
				at := key + random.IntN(int(binary.NativeEndian.Uint32(sp.file[element+4:])))
				all["a branch's key changed"] = append(all["a branch's key changed"],
					changed(func(f []byte) { f[at] ^= 1 << random.IntN(7) }))
			}
		}
	}
	for range 40 {
		all["cut anywhere"] = append(all["cut anywhere"], sp.file[:random.IntN(len(sp.file))])
	}
	return all
}

// Nothing that happens to a file makes the store panic, hang or return what was never written: it is refused with an
// error that says what to do, or the damage is where nothing is kept.
func TestADamagedFileIsRefusedOrHarmless(t *testing.T) {
	steps, flips := 12, 8
	if testing.Short() {
		steps, flips = 6, 4
	}
	sp := newSpecimen(t, steps)
	seed := rand.Uint64()
	path := filepath.Join(t.TempDir(), "test.db")
	for name, files := range sp.damages(rand.New(rand.NewPCG(seed, 0)), flips) {
		t.Run(name, func(t *testing.T) {
			fates := map[string]int{}
			for i, file := range files {
				_ = os.Remove(path)
				require.NoError(t, os.WriteFile(path, file, 0o600))
				fate, err := sp.fate(path)
				require.NoError(t, err, "case %d of seed %d", i, seed)
				fates[fate]++
			}
			t.Logf("%d files: %v", len(files), fates)
			require.Positive(t, fates["refused"]+fates["a call refused"], "damage that nobody notices")
		})
	}
}

func TestWhatIsNoStoreFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign")
	db, err := bbolt.Open(foreign, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(t *bbolt.Tx) error { _, err := t.CreateBucket([]byte("somebody's")); return err }))
	require.NoError(t, db.Close())

	file := func(content string) string {
		path := filepath.Join(dir, fmt.Sprint(len(content)))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	for name, c := range map[string]struct{ path, says string }{
		"an empty file":              {file(""), "to start anew, remove it"},
		"a text":                     {file("Dear store,\n"), "no store file"},
		"a long text":                {file(strings.Repeat("Dear store,\n", 10_000)), "no store file"},
		"a database of others":       {file("SQLite format 3\x00" + strings.Repeat("\x00", 100_000)), "no store file"},
		"a bbolt file, but not ours": {foreign, "name another file"},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := os.ReadFile(c.path)
			require.NoError(t, err)
			_, err = bolt.Open(c.path, bolt.Options{})
			require.ErrorIs(t, err, storage.ErrDamaged)
			require.ErrorContains(t, err, c.says)
			_, err = bolt.Shared(c.path, bolt.Options{}).Get(t.Context(), storage.RecordKey{Kind: "server", ID: "1"})
			require.ErrorIs(t, err, storage.ErrDamaged)
			after, err := os.ReadFile(c.path)
			require.NoError(t, err)
			require.Equal(t, before, after, "the file is left as it was")
		})
	}
	_, err = bolt.Open(dir, bolt.Options{})
	require.Error(t, err, "a directory")
}

// A file of a later version of this program is left alone, and the error says so.
func TestALaterLayoutIsNotTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, bolt.Meddle(s, func(bucket func(string) *bbolt.Bucket) error {
		return bucket("format").Put([]byte("layout"), []byte("2"))
	}))
	require.NoError(t, s.Close())
	_, err = bolt.Open(path, bolt.Options{})
	require.ErrorIs(t, err, storage.ErrNewer)
	require.ErrorContains(t, err, "update this one")
}
