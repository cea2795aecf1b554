package installation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

var (
	small   = installation.Size{Tenants: 3, Servers: 12, Devices: 1950, Seed: 7}
	morning = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
)

// made is an installation in memory.
type made struct {
	now    time.Time
	store  storage.Store
	keys   *seal.Keyring
	runner *runner.Runner
}

func (m *made) sealer(t testing.TB) storage.Sealer {
	t.Helper()
	sealer, err := seal.New(m.store, m.keys, seal.Options{Now: m.clock})
	require.NoError(t, err)
	return sealer
}

func (m *made) clock() time.Time { return m.now }

func newMade(t testing.TB, size installation.Size) *made {
	t.Helper()
	m := &made{now: morning, keys: seal.MemoryKeyring()}
	m.store = memory.New(m.clock)
	require.NoError(t, installation.Generate(t.Context(), m.store, m.sealer(t), size, 2, nil))
	m.open(t)
	return m
}

func (m *made) open(t testing.TB) {
	t.Helper()
	var err error
	m.runner, err = runner.New(installation.Apple{}.Plug(runner.Config{Store: m.store, Sealer: m.sealer(t)}))
	require.NoError(t, err)
}

// every returns the records of a kind.
func every(t testing.TB, store storage.Store, kind string) []storage.Record {
	t.Helper()
	q := storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage}
	var out []storage.Record
	for {
		page, err := store.List(t.Context(), q)
		require.NoError(t, err)
		out = append(out, page...)
		if len(page) < q.Limit {
			return out
		}
		q.After = page[len(page)-1].Position()
	}
}

// A runner reads every record of an installation, its audit verifies, and what is due gets done.
func TestARunnerGoesOnWithAnInstallation(t *testing.T) {
	m := newMade(t, small)
	report, err := m.runner.VerifyAudit(t.Context())
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
	servers, err := m.runner.Servers(t.Context(), runner.ServerQuery{})
	require.NoError(t, err)
	assert.Empty(t, servers.Damaged)
	assert.Len(t, servers.Servers, small.Servers)
	states := map[migration.PlanState]int{}
	moves := map[string]bool{}
	for _, tenant := range every(t, m.store, runner.KindTenant) {
		plans, err := m.runner.Tenant(enrollment.TenantID(tenant.Tenant)).Plans(t.Context(), installation.Tess, runner.Page{Limit: 100})
		require.NoError(t, err)
		assert.Empty(t, plans.Damaged)
		for _, p := range plans.Plans {
			states[p.State]++
			page, err := m.runner.Tenant(p.Tenant).Moves(t.Context(), installation.Tess, p.ID, "", runner.Page{Limit: 1000})
			require.NoError(t, err)
			assert.Empty(t, page.Damaged)
			assert.Len(t, page.Moves, installation.PlanDevices)
			for _, v := range page.Moves {
				moves[v.Device.Serial] = true
			}
		}
	}
	assert.Len(t, moves, 2000, "whole plans, and no device in two of them")
	assert.Greater(t, len(states), 3, "plans stand at several moments of their life: %v", states)
	done := map[string]bool{}
	for range 13 {
		m.now = m.now.Add(2 * time.Hour)
		for more := true; more; {
			ran, err := m.runner.RunDue(t.Context(), runner.Due{Limit: 1000})
			require.NoError(t, err)
			require.Zero(t, ran.Failed)
			more = ran.More
		}
	}
	for _, rec := range every(t, m.store, runner.KindServer) {
		done[rec.State] = true
		assert.NotEqual(t, string(enrollment.NeverChecked), rec.State)
	}
	assert.Contains(t, done, string(enrollment.Active))
	for _, kind := range []string{runner.KindPlan, runner.KindMove, runner.KindBatch} {
		moved := slices.ContainsFunc(every(t, m.store, kind), func(r storage.Record) bool { return r.Version > 1 })
		assert.True(t, moved, "a %s has gone on", kind)
	}
}

// A tenant has no more moves that are due at some time than a runner would let it have.
func TestFewMovesOfATenantAreAwake(t *testing.T) {
	most := 0
	for seed := range uint64(2) {
		m := newMade(t, installation.Size{Tenants: 1, Servers: 2, Devices: 9000, Seed: seed})
		awake := 0
		for _, rec := range every(t, m.store, runner.KindMove) {
			if !rec.Wake.IsZero() {
				awake++
			}
		}
		assert.LessOrEqual(t, awake, 1000)
		most = max(most, awake)
	}
	assert.Positive(t, most)
}

// errCut ends a generator.
var errCut = errors.New("test: somebody cut it off")

// cut is a store that fails after a number of commits.
type cut struct {
	storage.Store
	left atomic.Int64
}

func (c *cut) Commit(ctx context.Context, w storage.Write) error {
	if c.left.Add(-1) < 0 {
		return errCut
	}
	return c.Store.Commit(ctx, w)
}

// keysOf names all records of tenants by their kind.
func keysOf(t *testing.T, store storage.Store) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, kind := range append(runner.Kinds(), runner.KindTenant, runner.KindDevice, runner.KindEnrollmentID, runner.KindGate, runner.KindAudit) {
		for _, rec := range every(t, store, kind) {
			if rec.Tenant != "" { // that of the installation tells how often somebody began
				all[kind] = append(all[kind], fmt.Sprint(rec.Tenant, " ", rec.ID, " ", rec.State))
			}
		}
	}
	return all
}

// Whenever it is cut off, the next one makes what is missing, and nothing twice.
func TestAGeneratorGoesOnWhereItWasCutOff(t *testing.T) {
	whole := newMade(t, small)
	want := keysOf(t, whole.store)
	require.NotEmpty(t, want[runner.KindMove])
	for _, commits := range []int64{1, 2, 4, 6} {
		m := &made{now: morning, keys: seal.MemoryKeyring()}
		store := &cut{Store: memory.New(m.clock)}
		m.store = store
		store.left.Store(commits)
		require.ErrorIs(t, installation.Generate(t.Context(), store, m.sealer(t), small, 2, nil), errCut)
		m.now = m.now.Add(time.Hour) // somebody had lunch
		store.left.Store(1 << 40)
		require.NoError(t, installation.Generate(t.Context(), store, m.sealer(t), small, 2, nil))
		got := keysOf(t, store)
		for kind := range want {
			assert.True(t, slices.Equal(want[kind], got[kind]), "%s after %d commits: %d records, not %d", kind, commits, len(got[kind]), len(want[kind]))
		}
	}
	before := every(t, whole.store, runner.KindServer)
	require.NoError(t, installation.Generate(t.Context(), whole.store, whole.sealer(t), small, 2, nil))
	assert.Equal(t, before, every(t, whole.store, runner.KindServer), "nothing was missing")
}

// The seed makes the difference, and nothing else.
func TestAnotherSeedIsAnotherInstallation(t *testing.T) {
	other := small
	other.Seed++
	one, two := keysOf(t, newMade(t, small).store), keysOf(t, newMade(t, other).store)
	assert.Len(t, two[runner.KindDevice], len(one[runner.KindDevice]))
	assert.False(t, slices.Contains(one[runner.KindDevice], two[runner.KindDevice][0]))
}

// Sizes have a long tail: most tenants are small, and the largest has a good part of everything.
func TestTenantsAreOfAllSizes(t *testing.T) {
	m := newMade(t, installation.Size{Tenants: 40, Servers: 200, Devices: 10_000})
	servers, devices := map[string]int{}, map[string]int{}
	for _, rec := range every(t, m.store, runner.KindServer) {
		servers[rec.Tenant]++
	}
	for _, rec := range every(t, m.store, runner.KindMove) {
		devices[rec.Tenant]++
	}
	sizes := slices.Sorted(maps.Values(servers))
	assert.Len(t, sizes, 40)
	assert.Equal(t, 2, sizes[0])
	assert.Greater(t, sizes[39], 20)
	assert.Greater(t, devices["t000000"], 2000)
	assert.Less(t, devices["t000039"], 200)
}

func TestAnInstallationInAFile(t *testing.T) {
	store, err := bolt.Open(t.TempDir()+"/store.db", bolt.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	var last installation.Progress
	size := installation.Size{Servers: 20, Devices: 300}
	require.NoError(t, installation.Generate(t.Context(), store, sealer, size, 2, func(p installation.Progress) { last = p }))
	assert.Equal(t, 20, last.Servers)
	assert.Equal(t, 300, last.Devices)
	assert.Equal(t, 2, last.Of.Tenants)
	for _, rec := range every(t, store, runner.KindMove) {
		require.True(t, strings.HasPrefix(rec.ID, rec.Parent+":"), rec.ID)
		require.NotContains(t, string(rec.Data), "SOURCE")
		require.NotContains(t, string(rec.Data), "tenant-of-the-source")
	}
}

func TestAnInstallationNeedsTwoServersForEachTenant(t *testing.T) {
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	for _, size := range []installation.Size{{}, {Servers: 1}, {Tenants: 2, Servers: 3}, {Servers: 10, Devices: -1}, {Tenants: -1, Servers: 5}} {
		require.Error(t, installation.Generate(t.Context(), store, sealer, size, 1, nil), "%+v", size)
	}
}
