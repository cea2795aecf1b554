package bolt

import (
	"os"
	"syscall"
)

// lock leaves it to bbolt, whose lock of a byte range cannot be taken twice.
func lock(*os.File) error { return nil }

// syncDir does nothing: NTFS journals the names of files.
func syncDir(string) error { return nil }

// isFull reports whether a write failed for lack of room: ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL.
func isFull(err error) bool { return saysAny(err, syscall.Errno(112), syscall.Errno(39)) }
