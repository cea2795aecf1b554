package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

func init() {
	roles["limited"] = func(args []string) error { return fillUp(filepath.Join(args[0], "test.db"), &limitedDisk{}) }
	roles["small disk"] = func(args []string) error {
		if err := unix.Mount("tmpfs", args[0], "tmpfs", 0, "size=512k"); err != nil {
			return fmt.Errorf("mounting: %w", err)
		}
		return fillUp(filepath.Join(args[0], "test.db"), &smallDisk{ballast: filepath.Join(args[0], "ballast")})
	}
}

// fullDisk is what a store is written to: one that is full at some point.
type fullDisk interface {
	fill() error // leaves no room
	room() error // makes room
}

// limitedDisk is full where files of this process may not grow: the system answers EFBIG.
type limitedDisk struct{ before unix.Rlimit }

func (d *limitedDisk) fill() error {
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &d.before); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 64 << 10, Max: d.before.Max})
}

func (d *limitedDisk) room() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &d.before) }

// smallDisk is a file system that is really full: the system answers ENOSPC.
type smallDisk struct{ ballast string }

func (d *smallDisk) fill() error {
	f, err := os.OpenFile(d.ballast, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	if !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("a small disk that is not full: %w", err)
	}
	return nil
}

func (d *smallDisk) room() error { return os.Remove(d.ballast) }

// fillUp is a process that meets a full disk. Its error says which promise was broken.
func fillUp(path string, d fullDisk) error {
	ctx := context.Background()
	record := func(id string, size int) storage.Record {
		return storage.Record{RecordKey: storage.RecordKey{Kind: "server", Tenant: "acme", ID: id}, State: "active", Data: make([]byte, size)}
	}
	put := func(s storage.Store, r storage.Record) error {
		return s.Commit(ctx, storage.Write{Put: []storage.Record{r}})
	}
	wantFull := func(what string, err error) error {
		if !errors.Is(err, storage.ErrFull) || !strings.Contains(fmt.Sprint(err), "make room, then try again") {
			return fmt.Errorf("%s on a full disk: %w", what, errors.Join(err, errors.New("want ErrFull, with advice")))
		}
		return nil
	}
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	if err := errors.Join(put(s, record("kept", 5000)), d.fill()); err != nil {
		return err
	}
	for range 3 { // again and again
		if err := wantFull("a commit", put(s, record("big", 200_000))); err != nil {
			return err
		}
	}
	_, err = bolt.Open(filepath.Join(filepath.Dir(path), "another.db"), bolt.Options{})
	if _, isLimited := d.(*limitedDisk); !isLimited { // a new file is below the limit
		if err := wantFull("a new store", err); err != nil {
			return err
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "another*")); err != nil || len(left) > 0 {
			return fmt.Errorf("what was left of a new store: %v, %w", left, err)
		}
	}
	if _, err := s.Get(ctx, record("big", 0).RecordKey); !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("what did not fit: %w", err)
	}
	if r, err := s.Get(ctx, record("kept", 0).RecordKey); err != nil || len(r.Data) != 5000 {
		return fmt.Errorf("what was there before: %d bytes, %w", len(r.Data), err)
	}
	if err := errors.Join(bolt.Agree(s), d.room(), put(s, record("big", 100_000)), bolt.Agree(s), s.Close()); err != nil {
		return fmt.Errorf("after room was made: %w", err)
	}
	s, err = bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	counts, err := s.Count(ctx, storage.Query{Kind: "server", AllTenants: true})
	if err != nil || counts["active"] != 2 {
		return fmt.Errorf("counted %v, %w", counts, err)
	}
	return s.Close()
}

// On a full disk nothing is changed, everything can be read, and once there is room it goes on.
func TestAFullDiskChangesNothing(t *testing.T) {
	t.Run("files may not grow", func(t *testing.T) {
		c := startChild(t, nil, "limited", t.TempDir())
		require.NoError(t, c.Wait(), string(c.err.text))
	})
	t.Run("no space left", func(t *testing.T) {
		dir := t.TempDir()
		c := newChild(t, nil, "small disk", dir)
		c.SysProcAttr = &syscall.SysProcAttr{ // a mount of its own, which needs no rights elsewhere
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		err := c.Start()
		if err == nil {
			err = c.Wait()
		}
		if err != nil && (strings.Contains(string(c.err.text), "mounting:") || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC)) {
			t.Logf("no small disk can be mounted here; the other case stands for it: %v %s", err, c.err.text)
			return
		}
		require.NoError(t, err, string(c.err.text))
	})
}

func TestRoomIsWhatIsMissing(t *testing.T) {
	assert.True(t, bolt.IsFull(fmt.Errorf("writing: %w", unix.ENOSPC)))
	assert.True(t, bolt.IsFull(fmt.Errorf("writing: %w", unix.EDQUOT)))
	assert.True(t, bolt.IsFull(errors.New("file resize error: truncate test.db: file too large")), "bbolt keeps the words only")
	assert.False(t, bolt.IsFull(fmt.Errorf("writing: %w", unix.EIO)))
	assert.False(t, bolt.IsFull(nil))
}
