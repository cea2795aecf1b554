package bolt_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// holdFile is a process that holds a store open until its standard input ends: PATH. It says 0 when it does.
func holdFile(args []string) error {
	s, err := bolt.Open(args[0], bolt.Options{})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, 0)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

func held(t *testing.T) (path string, holder *child) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	holder = startChild(t, nil, "hold", path)
	_, ok := holder.acked(t)
	require.True(t, ok, string(holder.err.text))
	return path, holder
}

// A file that another process holds is waited for, and then the error says whose fault it is.
func TestAFileThatIsHeldElsewhereIsLocked(t *testing.T) {
	path, holder := held(t)
	k := storage.RecordKey{Kind: "server", ID: "1"}
	o := bolt.Options{Wait: 30 * time.Millisecond}
	began := time.Now()
	_, err := bolt.Open(path, o)
	require.ErrorIs(t, err, storage.ErrLocked)
	require.ErrorContains(t, err, "was not released within 30ms: end the other program, or try again later")
	assert.GreaterOrEqual(t, time.Since(began), o.Wait)
	_, err = bolt.Shared(path, o).Get(t.Context(), k)
	require.ErrorIs(t, err, storage.ErrLocked)
	err = bolt.Shared(path, o).Commit(t.Context(), storage.Write{Put: []storage.Record{{RecordKey: k}}})
	require.ErrorIs(t, err, storage.ErrLocked)

	soon, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = bolt.Shared(path, bolt.Options{Wait: time.Hour}).Get(soon, k)
	require.ErrorIs(t, err, context.DeadlineExceeded, "a call does not outlive its context")

	require.NoError(t, holder.in.Close())
	require.NoError(t, holder.Wait())
	_, err = bolt.Shared(path, o).Get(t.Context(), k)
	require.ErrorIs(t, err, storage.ErrNotFound, "what was refused was not done")
}

// A waiting call goes on when the other process lets go, or dies.
func TestAWaitingCallGetsTheFile(t *testing.T) {
	for name, end := range map[string]func(*child) error{
		"closed": func(c *child) error { return c.in.Close() },
		"killed": func(c *child) error { return c.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			path, holder := held(t)
			opening := make(chan error)
			go func() {
				s, err := bolt.Open(path, bolt.Options{Wait: time.Minute})
				if err == nil {
					err = s.Close()
				}
				opening <- err
			}()
			select {
			case err := <-opening:
				require.FailNow(t, "it did not wait", "%v", err)
			case <-time.After(30 * time.Millisecond):
			}
			require.NoError(t, end(holder))
			require.NoError(t, <-opening)
			_ = holder.Wait()
		})
	}
}

// Shared stores of one process take turns, and one whose turn does not come heeds its context.
func TestSharedCallsOfOneProcessTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := opened(t, path, nil)
	shared := bolt.Shared(path, bolt.Options{Wait: time.Minute})
	first := make(chan error)
	go func() {
		_, err := shared.Claim(context.Background(), storage.Claim{})
		first <- err
	}()
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() {
		_, err := shared.Claim(ctx, storage.Claim{})
		second <- err
	}()
	cancel()
	require.ErrorIs(t, <-second, context.Canceled)
	require.NoError(t, s.Close())
	require.NoError(t, <-first)
}
