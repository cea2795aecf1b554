package runner_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// rounds is how often a host is killed.
func rounds() int {
	switch {
	case testing.Short():
		return 8
	case raceDetector:
		return 30
	}
	return 200
}

// graveyard is where hosts die: their store and keyring, and Apple, who lives on.
type graveyard struct {
	t       *testing.T
	order   hostOrder
	ahead   atomic.Int64
	apple   *appletest.Apple
	admin   *appletest.Admin
	ln      *httptest.Server
	mu      sync.Mutex
	service [killedServers]*appletest.Service
	last    [killedServers][]byte

	promised [killedServers]int64 // the generation that a dead host said was active
}

func newGraveyard(t *testing.T) *graveyard {
	dir := filepath.Dir(newBoltFile(t).path)
	g := &graveyard{t: t}
	g.apple = appletest.New(appletest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(g.ahead.Load())) }})
	g.admin = g.apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	mux := http.NewServeMux()
	mux.Handle("/", g.apple.Handler())
	mux.HandleFunc("/portal/{what}/{i}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		i, notNumber := strconv.Atoi(r.PathValue("i"))
		if err != nil || notNumber != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		answer, err := g.portal(r.PathValue("what"), i, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		_, _ = w.Write(answer)
	})
	g.ln = httptest.NewServer(mux)
	t.Cleanup(g.ln.Close)
	g.order = hostOrder{
		Store: filepath.Join(dir, "store.db"), Keyring: filepath.Join(dir, "keyring.json"), Apple: g.ln.URL, Primes: somePrimes(),
	}
	return g
}

func (g *graveyard) portal(what string, i int, body []byte) (answer []byte, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch what {
	case "last":
		return g.last[i], nil
	case "certificate":
		if g.service[i] == nil {
			g.service[i], err = g.admin.CreateService(fmt.Sprintf("Server %d", i), body)
			return nil, err
		}
		return nil, g.admin.ReplaceCertificate(g.service[i], body)
	}
	g.last[i], _, err = g.admin.DownloadToken(g.service[i])
	return g.last[i], err
}

// live runs one host and kills it after some time, unless it is to finish.
func (g *graveyard) live(killAfter time.Duration) {
	g.t.Helper()
	g.order.Ahead = time.Duration(g.ahead.Add(int64(time.Minute)))
	order, err := json.Marshal(g.order)
	require.NoError(g.t, err)
	exe, err := os.Executable()
	require.NoError(g.t, err)
	host := exec.CommandContext(g.t.Context(), exe)
	host.Env = append(os.Environ(), hostEnv+"="+string(order))
	var complaints bytes.Buffer
	host.Stderr = &complaints
	out, err := host.StdoutPipe()
	require.NoError(g.t, err)
	require.NoError(g.t, host.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if line := lines.Text(); line != "ready" {
			g.promise(line)
		} else if !g.order.Finish {
			timer := time.AfterFunc(killAfter, func() { _ = host.Process.Kill() })
			defer timer.Stop()
		}
	}
	err = host.Wait()
	if g.order.Finish {
		require.NoError(g.t, err, complaints.String())
		return
	}
	var ended *exec.ExitError
	require.ErrorAs(g.t, err, &ended)
	require.False(g.t, ended.Exited(), "the host was not killed but gave up: %s", complaints.String())
}

// promise takes down what a host said before it died. Half a line is none.
func (g *graveyard) promise(line string) {
	words := strings.Fields(line)
	if len(words) != 4 || len(words[3]) != 64 {
		return
	}
	i, err := strconv.Atoi(words[1])
	require.NoError(g.t, err)
	g.promised[i], err = strconv.ParseInt(words[2], 10, 64)
	require.NoError(g.t, err)
}

// inspect opens what a dead host left.
func (g *graveyard) inspect() kept {
	g.t.Helper()
	store, err := bolt.Open(g.order.Store, bolt.Options{})
	require.NoError(g.t, err)
	defer func() { require.NoError(g.t, store.Close()) }()
	keyring, err := seal.OpenKeyring(g.order.Keyring, false)
	require.NoError(g.t, err)
	require.NoError(g.t, wholeStore(g.t.Context(), store, keyring))
	k, err := keep(g.t.Context(), store)
	require.NoError(g.t, err)
	for i, generation := range g.promised {
		if s, found := k.server(killedServer(i)); generation > 0 && assert.True(g.t, found) {
			assert.GreaterOrEqual(g.t, s.Generation(), generation, "server %d had another token once", i)
		}
	}
	return k
}

// A real process, killed by the system at any moment, over a bolt file: what it left is whole, what it said is true, and
// the next one goes on with it.
func TestAHostKilledByTheSystemLosesNothing(t *testing.T) {
	t.Parallel()
	g := newGraveyard(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range rounds() {
		g.live(time.Duration(random.Int64N(int64(120 * time.Millisecond))))
		g.inspect()
	}
	g.order.Finish = true
	g.live(0)
	k := g.inspect()
	total := int64(0)
	for i := range killedServers {
		s, found := k.server(killedServer(i))
		require.True(t, found)
		require.NotNil(t, s.Token, "server %d", i)
		total += s.Generation()
		assert.Empty(t, s.Renewal, "nothing is left under way")
		death, _ := g.service[i].TokenState()
		assert.Equal(t, appletest.Alive, death, "the token that Apple takes is the one in use")
	}
	t.Logf("%d kills, %d renewals completed, %d audit entries", rounds(), total, len(k.entries))
}
