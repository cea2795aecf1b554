package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/abmrenew/abmrenew/storage"
)

// retry is how often a file that is held elsewhere is tried again.
const retry = 10 * time.Millisecond

// file is an open store file.
type file struct {
	db    *bbolt.DB
	os    *os.File
	known bool // it is at a state that was examined before
}

// openFile opens, and makes if there is none, the store file at path, waiting for its lock. It is examined unless it is
// at a state that is known.
func openFile(ctx context.Context, path string, o Options, known state) (*file, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	deadline := time.NewTimer(o.Wait)
	defer deadline.Stop()
	for {
		f, err := tryFile(path, o, known)
		if !errors.Is(err, berrors.ErrTimeout) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, fmt.Errorf("%w: %s was not released within %v: end the other program, or try again later",
				storage.ErrLocked, path, o.Wait)
		case <-time.After(retry):
		}
	}
}

// tryFile opens the file unless it is held elsewhere: then the error is bbolt's ErrTimeout.
func tryFile(path string, o Options, known state) (*file, error) {
	f := &file{}
	var err error
	fault := guarded(func() {
		f.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: 1, // one try
			NoSync:  o.noSync, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
			OpenFile: func(path string, _ int, _ os.FileMode) (*os.File, error) {
				f.os, f.known, err = checked(path, known)
				return f.os, err
			},
		})
		if err == nil && !f.known {
			err = f.db.View(func(t *bbolt.Tx) error { return checkContent(path, t) })
		}
	})
	if fault != nil {
		err = damaged(path, fmt.Sprint(fault))
	}
	if err == nil {
		return f, nil
	}
	if f.os != nil {
		_ = f.close(fault == nil && f.db != nil)
	}
	if errors.Is(err, berrors.ErrInvalid) || errors.Is(err, berrors.ErrChecksum) || errors.Is(err, berrors.ErrVersionMismatch) {
		err = damaged(path, err.Error())
	}
	return nil, err
}

// checked opens, locks and examines an existing file before bbolt maps it: bbolt trusts what it maps.
func checked(path string, known state) (f *os.File, unchanged bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, false, err
	}
	unchanged, err = examine(f, path, known)
	if err != nil {
		_ = f.Close()
		return nil, false, err
	}
	return f, unchanged, nil
}

func examine(f *os.File, path string, known state) (unchanged bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("store file %s: %w: it is no regular file", path, fs.ErrInvalid)
	}
	if others := info.Mode().Perm() & 0o077; others != 0 && runtime.GOOS != "windows" {
		return false, fmt.Errorf("store file %s may be used by other users (mode %04o): %w: run chmod 600 %[1]s",
			path, info.Mode().Perm(), fs.ErrPermission)
	}
	handOver, err := lock(f)
	if err != nil {
		return false, err
	}
	defer handOver()
	now, err := stateOf(f, path)
	if err != nil || known.same(now) {
		return true, err
	}
	return false, verify(f, path, now.meta)
}

// leave closes the file and tells at which state it was left.
func (f *file) leave(path string, sound bool) (state, error) {
	var left state
	if sound {
		left, _ = stateOf(f.os, path) // zero if it cannot be told: then it is examined again
	}
	return left, f.close(sound)
}

// close releases the file. When bbolt cannot be trusted any more, its mapping is left until the process ends.
func (f *file) close(sound bool) error {
	if !sound {
		return f.os.Close()
	}
	return f.db.Close()
}

// create makes a new store file whole before it gets its name, so that no crash leaves half a file there.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("making store file %s: make the folder %s first: %w", path, dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("making store file %s: this user may not make files in the folder %s: %w", path, dir, err)
	case err != nil:
		return fmt.Errorf("making store file %s: %w", path, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	if err := temp.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(temp.Name(), 0o600, nil)
	if err == nil {
		err = errors.Join(db.Update(makeLayout), db.Close())
	}
	if isFull(err) {
		return fmt.Errorf("%w: %s: make room, then try again (%w)", storage.ErrFull, path, err)
	}
	if err != nil {
		return fmt.Errorf("making store file %s: %w", path, err)
	}
	// A link, not a rename: another process may have made the file meanwhile, and even written to it.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// guarded runs do and returns what it panicked with: bbolt panics on pages that cannot be, and touching a mapping
// behind the end of its file is a fault.
func guarded(do func()) (fault any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() }()
	do()
	return nil
}

func makeLayout(t *bbolt.Tx) error {
	for _, name := range buckets {
		if _, err := t.CreateBucket(name); err != nil {
			return err
		}
	}
	return t.Bucket(formatBucket).Put(layoutKey, currentLayout)
}

// checkContent checks what the structure of the file does not show.
func checkContent(path string, t *bbolt.Tx) error {
	if t.Bucket(formatBucket) == nil {
		return fmt.Errorf("%w: %s is a bbolt file without this program's records: name another file, or restore it from a backup", storage.ErrDamaged, path)
	}
	if layout := t.Bucket(formatBucket).Get(layoutKey); string(layout) != string(currentLayout) {
		return fmt.Errorf("store file %s has layout %.20q: %w", path, layout, storage.ErrNewer)
	}
	for _, name := range buckets {
		if t.Bucket(name) == nil {
			return damaged(path, fmt.Sprintf("it has no %s", name))
		}
	}
	err := begun(t).agree()
	if errors.Is(err, errDisagree) {
		return damaged(path, err.Error())
	}
	return err
}

func damaged(path, what string) error {
	return fmt.Errorf("%w: %s: %s: keep this file aside and restore it from a backup", storage.ErrDamaged, path, what)
}
