package main

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shownClock is a clock that one process turns and others read, in a file.
type shownClock struct{ file *os.File }

func openClock(path string) (shownClock, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return shownClock{f}, err
}

// Now reads the clock.
func (c shownClock) Now() time.Time {
	var b [8]byte
	if _, err := c.file.ReadAt(b[:], 0); err != nil {
		panic(err) // the test that turns it has removed it
	}
	return time.Unix(0, int64(binary.LittleEndian.Uint64(b[:]))).UTC()
}

// turnedClock is the test's end of it.
type turnedClock struct {
	shownClock
	path string
	mu   sync.Mutex
}

func newClock(t testing.TB) *turnedClock {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clock")
	require.NoError(t, os.WriteFile(path, make([]byte, 8), 0o600))
	shown, err := openClock(path)
	require.NoError(t, err)
	// It stays open: what a worker had under way when it was stopped still looks at it.
	c := &turnedClock{shownClock: shown, path: path}
	c.Pass(time.Until(time.Unix(0, 0)) * -1)
	return c
}

// Pass turns the clock on.
func (c *turnedClock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(c.Now().Add(d).UnixNano()))
	if _, err := c.file.WriteAt(b[:], 0); err != nil {
		panic(err)
	}
}

// flow lets the time pass, so many times as fast as it does at the moment, until the context ends.
func (c *turnedClock) flow(ctx context.Context, times *atomic.Int64) {
	const tick = 5 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case now := <-ticker.C:
			c.Pass(now.Sub(last) * time.Duration(times.Load()))
			last = now
		case <-ctx.Done():
			return
		}
	}
}
