package seal

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile holds the lock of a file, which it makes, against other processes, until unlock is called.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// syncDir has nothing to do: Windows has no such call, and its file systems journal a rename.
func syncDir(string) error { return nil }
