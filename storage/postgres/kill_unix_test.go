//go:build unix

package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
)

// worker is a process that counts.
type worker struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// crew is several of them, and what they said that was done.
type crew struct {
	mu    sync.Mutex
	acked map[string]int // the highest count of each counter
	total int
	more  chan struct{} // has an element when something was acknowledged
}

func (c *crew) start(t testing.TB, dsn, schema string) *worker {
	t.Helper()
	w := &worker{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), childEnv+"="+dsn+" application_name="+schema+"\n"+schema)
	w.cmd.Stderr = io.Discard // conflicts and lost connections are what is wanted here
	out, err := w.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, w.cmd.Start())
	go func() {
		defer close(w.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var id string
			var n int
			if _, err := fmt.Sscanf(lines.Text(), "counted %s %d", &id, &n); err == nil {
				c.mu.Lock()
				c.acked[id] = max(c.acked[id], n)
				c.total++
				c.mu.Unlock()
				select {
				case c.more <- struct{}{}:
				default:
				}
			}
		}
		_ = w.cmd.Wait()
	}()
	return w
}

// progress waits until n more counts were acknowledged.
func (c *crew) progress(t testing.TB, n int) {
	t.Helper()
	c.mu.Lock()
	goal := c.total + n
	c.mu.Unlock()
	for {
		c.mu.Lock()
		there := c.total >= goal
		c.mu.Unlock()
		if there {
			return
		}
		select {
		case <-c.more:
		case <-time.After(30 * time.Second):
			require.Fail(t, "the workers do nothing any more")
		}
	}
}

// Worker processes are killed and stopped at any moment: every count that was acknowledged is there, each was done once, and
// a worker that is stopped keeps the others from nothing.
func TestWorkersThatAreKilledAndStoppedCountRight(t *testing.T) {
	ctx := context.Background()
	s, pool, schema := newStore(t)
	const workers, counters = 4, 6
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for i := range counters {
		r := storage.Record{RecordKey: storage.RecordKey{Kind: "counter", ID: fmt.Sprint("c", i)}, Data: []byte("0"), Wake: time.Unix(1, 0).UTC()}
		put(t, s, r)
	}
	c := &crew{acked: map[string]int{}, more: make(chan struct{}, 1)}
	var team [workers]*worker
	for i := range team {
		team[i] = c.start(t, pgserver.DSN(t), schema)
	}
	end := func(w *worker) {
		_ = w.cmd.Process.Kill()
		<-w.done
	}
	defer func() {
		for _, w := range team {
			end(w)
		}
	}()
	c.progress(t, 20)
	for range rounds {
		i := rand.IntN(workers)
		if rand.IntN(3) == 0 {
			require.NoError(t, team[i].cmd.Process.Signal(syscall.SIGSTOP))
			c.progress(t, 20) // of the others
			require.NoError(t, team[i].cmd.Process.Signal(syscall.SIGCONT))
			continue
		}
		end(team[i])
		team[i] = c.start(t, pgserver.DSN(t), schema)
		c.progress(t, 10)
	}
	for _, w := range team {
		end(w)
	}
	for left := 1; left > 0; { // the server may still do what the dead have sent
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", schema).Scan(&left))
	}
	entries, err := s.Count(ctx, storage.Query{Kind: "entry", AllTenants: true})
	require.NoError(t, err)
	sum := 0
	for i := range counters {
		id := fmt.Sprint("c", i)
		r, err := s.Get(ctx, storage.RecordKey{Kind: "counter", ID: id})
		require.NoError(t, err)
		n, err := strconv.Atoi(string(r.Data))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, n, c.acked[id], "what was acknowledged is there")
		own, err := s.Count(ctx, storage.Query{Kind: "entry", Tenant: id})
		require.NoError(t, err)
		assert.Equal(t, n, own[""], "each count was written down once")
		sum += n
	}
	assert.Equal(t, sum, entries[""])
	t.Logf("%d rounds, %d counts, %d acknowledged", rounds, sum, c.total)
}
