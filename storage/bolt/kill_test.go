package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

// writeSteps is a process that does one step after the other and writes the number of each to its standard output once
// it is done: PATH FIRST MODE. It ends when it is killed, or after LAST steps if a fourth argument says so.
func writeSteps(args []string) error {
	path, mode := args[0], args[2]
	first, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	last := first + 1_000_000
	if len(args) > 3 {
		if last, err = strconv.Atoi(args[3]); err != nil {
			return err
		}
	}
	clock := &stepClock{}
	o := bolt.Options{Now: clock.Now}
	if mode == "without sync" {
		o = bolt.WithoutSync(o)
	}
	s := bolt.Shared(path, o)
	if mode != "shared" {
		if s, err = bolt.Open(path, o); err != nil {
			return err
		}
	}
	for n := first; n <= last; n++ {
		if mode == "liar" && n == first+3 {
			_, _ = fmt.Fprintln(os.Stdout, n)
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		}
		if err := clock.step(context.Background(), s, n); err != nil {
			return fmt.Errorf("step %d: %w", n, err)
		}
		if _, err := fmt.Fprintln(os.Stdout, n); err != nil {
			return err
		}
	}
	return nil
}

// killed runs a writer from step first on, kills it after some acknowledgements and a moment more, and returns the
// last step that it acknowledged.
func killed(t *testing.T, path, mode string, first, acks int, moment time.Duration) int {
	t.Helper()
	c := startChild(t, nil, "write", path, strconv.Itoa(first), mode)
	acked := first - 1
	for range acks {
		n, ok := c.acked(t)
		require.True(t, ok, "the writer ended by itself: %s", c.err.text)
		acked = n
	}
	<-time.After(moment)
	require.NoError(t, c.Process.Kill())
	for n, ok := c.acked(t); ok; n, ok = c.acked(t) {
		acked = n
	}
	require.Error(t, c.Wait())
	require.Empty(t, string(c.err.text), "the writer failed before it was killed")
	return acked
}

// afterCrash opens a store and checks that it holds every acknowledged step whole, that its indexes agree, and that it
// goes on. It returns the number of steps that it holds.
func (m *model) afterCrash(path string, acked int) (int, error) {
	clock := &stepClock{}
	s, err := bolt.Open(path, bolt.Options{Now: clock.Now})
	if err != nil {
		return 0, err
	}
	n, err := m.judge(s, acked)
	if err == nil {
		err = bolt.Agree(s)
	}
	if err == nil {
		n++
		if err = clock.step(context.Background(), s, n); err == nil {
			_, err = m.judge(s, n)
		}
	}
	return n, errors.Join(err, s.Close())
}

// A process that is killed at any moment (kill -9) loses nothing that it acknowledged and leaves nothing half done.
func TestAKilledProcessLosesNothing(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var m *model
	var path string
	held, acks, beyond, opening, files := 0, 0, 0, 0, 0
	for round := range rounds {
		if round%20 == 0 { // a new file, whose making may be interrupted
			var err error
			m, err = newModel()
			require.NoError(t, err)
			path, held = filepath.Join(t.TempDir(), "test.db"), 0
			files++
		}
		wait, moment := random.IntN(12), time.Duration(random.Int64N(int64(3*time.Millisecond)))
		if round%5 == 0 { // while it starts and opens the file
			wait, moment = 0, time.Duration(random.Int64N(int64(40*time.Millisecond)))
		}
		acked := killed(t, path, []string{"open", "open", "shared"}[round%3], held+1, wait, moment)
		n, err := m.afterCrash(path, acked)
		require.NoError(t, err, "round %d: killed after %d acknowledgements and %v, steps %d to %d", round, wait, moment, held+1, acked)
		acks += acked - held
		beyond += n - 1 - acked
		if acked == held {
			opening++
		}
		held = n
	}
	t.Logf("%d kills on %d files, %d steps acknowledged, none lost, none half; %d done but not acknowledged; %d kills before the first step",
		rounds, files, acks, beyond, opening)
	assert.Greater(t, acks, rounds, "the kills came too early to show anything")
}

// The control: a process that acknowledges a step before it is done is found out.
func TestAKilledLiarIsFoundOut(t *testing.T) {
	m, err := newModel()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "test.db")
	acked := killed(t, path, "liar", 1, 4, 0)
	require.Equal(t, 4, acked)
	_, err = m.afterCrash(path, acked)
	require.ErrorIs(t, err, errLost)
}

// The judge of the crash tests knows a half step and a wrong index when it sees them.
func TestTheJudgeSeesHalves(t *testing.T) {
	ctx := context.Background()
	m, err := newModel()
	require.NoError(t, err)
	clock := &stepClock{}
	s := opened(t, filepath.Join(t.TempDir(), "test.db"), clock.Now)
	for n := 1; n <= 12; n++ {
		require.NoError(t, clock.step(ctx, s, n))
	}
	n, err := m.judge(s, 12)
	require.NoError(t, err)
	require.Equal(t, 12, n)
	n, err = m.judge(s, 11)
	require.NoError(t, err, "a step that was under way may be there")
	require.Equal(t, 12, n)
	_, err = m.judge(s, 13)
	require.ErrorIs(t, err, errLost)

	clock.n.Store(13)
	whole, err := clock.activation(ctx, s, 13)
	require.NoError(t, err)
	half := storage.Write{Put: whole.Put[:len(whole.Put)-1], Delete: whole.Delete}
	require.NoError(t, s.Commit(ctx, half))
	_, err = m.judge(s, 12)
	require.ErrorIs(t, err, errHalf)
	require.NoError(t, bolt.Agree(s))
}
