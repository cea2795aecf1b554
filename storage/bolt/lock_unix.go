//go:build unix

package bolt

import (
	"errors"
	"os"

	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// lock takes the file's lock, the one that bbolt takes, before anything is read. It belongs to this opening of the
// file, so bbolt gets it once more and its Close releases it: there is nothing to hand over.
func lock(f *os.File) (handOver func(), err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = berrors.ErrTimeout
	}
	return func() {}, err
}

// syncDir makes the name of a new file durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// isFull reports whether a write failed for lack of room. bbolt formats some causes away, so words count, too.
func isFull(err error) bool { return saysAny(err, unix.ENOSPC, unix.EDQUOT, unix.EFBIG) }
