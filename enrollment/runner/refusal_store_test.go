package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// troubled is a store whose disk, lock or file has a trouble.
type troubled struct {
	storage.Store
	reads, writes error
}

func (s *troubled) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	if s.reads != nil {
		return storage.Record{}, s.reads
	}
	return s.Store.Get(ctx, k)
}

func (s *troubled) GetMany(ctx context.Context, keys []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	if s.reads != nil {
		return nil, s.reads
	}
	return s.Store.GetMany(ctx, keys)
}

func (s *troubled) Commit(ctx context.Context, w storage.Write) error {
	if s.writes != nil {
		return s.writes
	}
	return s.Store.Commit(ctx, w)
}

// Whatever is wrong with the store: the message says what to do, nothing was changed, and the same file goes through once
// it is mended.
func TestRefusedByTheStore(t *testing.T) {
	for _, c := range []struct {
		trouble       error
		reads, writes bool
		code          enrollment.Code
		next          string
	}{
		{storage.ErrFull, false, true, enrollment.CodeStoreFull, "Free some space"},
		{storage.ErrLocked, true, true, enrollment.CodeStoreLocked, "Let the other process finish"},
		{storage.ErrDamaged, true, false, enrollment.CodeStoreDamaged, "Restore the newest backup"},
		{storage.ErrKeyUnavailable, true, false, enrollment.CodeKeyUnavailable, "Check the keyring"},
		{storage.ErrWrongKeys, true, false, enrollment.CodeWrongKeyring, "the keyring file that belongs to this store"},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			h.clock.Pass(time.Hour)
			file := s.file()
			disk := &troubled{Store: h.store}
			h.config.Store = disk
			broken, err := runner.New(h.config)
			require.NoError(t, err)
			acme := broken.Tenant("acme")
			before := dumpOf(t, h.store)

			what := fmt.Errorf("store.db: %w", c.trouble)
			if c.reads {
				disk.reads = what
			}
			if c.writes {
				disk.writes = what
			}
			_, err = acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader(file)})
			p := requireProblem(t, c.code, err)
			assert.Contains(t, p.Next, c.next)
			require.ErrorIs(t, err, c.trouble, "a log can show the cause")
			_, exit := p.Code.Status()
			assert.Equal(t, 1, exit)
			assert.Equal(t, before, dumpOf(t, h.store), "byte for byte")

			disk.reads, disk.writes = nil, nil
			run, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader(file)})
			require.NoError(t, err)
			assert.Equal(t, renewal.Completed, run.State)
		})
	}
}

// A store under another keyring is not opened at all, and not a byte of it is changed.
func TestStoreSealedWithAnotherKey(t *testing.T) {
	h := newHost(t)
	h.customer("acme").addServer("Acme MDM")
	before := dumpOf(t, h.store)
	_, err := seal.New(h.store, seal.MemoryKeyring(), seal.Options{})
	p := runner.ProblemOf(err)
	assert.Equal(t, enrollment.CodeWrongKeyring, p.Code)
	assert.Contains(t, p.Next, "the keyring file that belongs to this store")
	assert.Equal(t, before, dumpOf(t, h.store))
}

// A store file that was cut off is not opened at all.
func TestStoreFileTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	h := newHost(t, over(store))
	h.customer("acme").addServer("Acme MDM")
	require.NoError(t, store.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, int64(len(whole)/2)))
	_, err = bolt.Open(path, bolt.Options{})
	assert.Equal(t, enrollment.CodeStoreDamaged, runner.ProblemOf(err).Code)
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	store, err = bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, store.Close())
}

// Two files at once: the newer one ends up in use, whoever was first, and no secret is left over.
func TestTwoUploadsAtOnce(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	older := s.file()
	h.clock.Pass(time.Hour)
	newer := s.file()
	before := dumpOf(t, h.store)
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			_, err := s.upload([][]byte{older, newer}[i%2])
			if err != nil {
				code := enrollment.ProblemOf(err).Code
				assert.Contains(t, []enrollment.Code{
					enrollment.CodeOlderToken, enrollment.CodeRejected, enrollment.CodeStillWorking, enrollment.CodeConflict,
				}, code, "%v", err)
			}
		})
	}
	wait.Wait()
	h.pass(time.Minute)
	v := s.view()
	token, err := s.c.Tokens(s.id).Token(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, v.Token.Fingerprint, token.Fingerprint())
	checked, err := s.c.CheckServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, checked.Health, "the one that lives at Apple")
	tokens := func(d dump) (n int) {
		for key, rec := range d {
			if key.Kind == storage.KindSecret && rec.State == "token" {
				n++
			}
		}
		return n
	}
	assert.Equal(t, tokens(before), tokens(dumpOf(t, h.store)), "one token in use, none left over")
}
