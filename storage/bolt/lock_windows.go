package bolt

import (
	"errors"
	"math"
	"os"

	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/windows"
)

// lock takes the lock that bbolt takes, a byte behind all others, so that nobody writes while the file is examined. It
// cannot be taken twice: handOver releases it, for bbolt to take it.
func lock(f *os.File) (handOver func(), err error) {
	file, last := windows.Handle(f.Fd()), &windows.Overlapped{Offset: math.MaxUint32, OffsetHigh: math.MaxUint32}
	err = windows.LockFileEx(file, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, last)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = berrors.ErrTimeout
	}
	return func() { _ = windows.UnlockFileEx(file, 0, 1, 0, last) }, err
}

// syncDir does nothing: NTFS journals the names of files.
func syncDir(string) error { return nil }

// isFull reports whether a write failed for lack of room.
func isFull(err error) bool {
	return saysAny(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL)
}
