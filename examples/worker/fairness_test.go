package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// admitted is how many devices of a tenant are worked on at once.
const admitted = 1000

// crowd is how many devices one tenant moves; ABMRENEW_CROWD=1000000 for the whole number.
func crowd(t *testing.T) (devices, others int) {
	t.Helper()
	if text := os.Getenv("ABMRENEW_CROWD"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n, 999
	}
	return 1200, 49
}

// Threat 22: one tenant moves very many devices, and every other tenant has one renewal. Even where one worker takes whatever
// is due, without queues for this and that, no renewal waits for more than the devices that were admitted at once.
func TestThreat22_ACrowdDelaysNobody(t *testing.T) {
	devices, others := crowd(t)
	ctx := t.Context()
	f := newFair(t)
	f.adopt("crowd", 2)
	for i := range others {
		f.adopt(enrollment.TenantID(fmt.Sprintf("other%03d", i)), 1)
	}
	began := time.Now()
	plan := f.plan(devices)
	listed := time.Since(began)
	f.until(func() bool { return f.due(runner.KindMove) >= admitted*9/10 })
	most := f.due(runner.KindMove)
	assert.LessOrEqual(t, most, admitted, "no more of them are due at once")
	for tenant, servers := range f.servers {
		if tenant != "crowd" {
			_, err := f.runner.Tenant(tenant).StartRenewal(ctx, tess, servers[0])
			require.NoError(t, err)
		}
	}
	f.store.watch()
	for f.store.served() < others {
		f.step()
	}
	waited := f.store.most()
	assert.LessOrEqual(t, waited, admitted, "devices that were worked on before somebody's renewal")
	v, err := f.runner.Tenant("crowd").Plan(ctx, tess, plan)
	require.NoError(t, err)
	assert.True(t, v.State.Live())
	t.Logf("%d devices of one tenant (listed in %v), of which %d were due at once; each of %d renewals waited for %d devices at most",
		devices, listed.Round(time.Second), most, others, waited)
}

// fair is a host with one worker that takes whatever is due.
type fair struct {
	t       *testing.T
	clock   *turnedClock
	store   *watchedStore
	runner  *runner.Runner
	servers map[enrollment.TenantID][]enrollment.ServerID
}

func newFair(t *testing.T) *fair {
	t.Helper()
	f := &fair{t: t, clock: newClock(t), servers: map[enrollment.TenantID][]enrollment.ServerID{}}
	pool, err := pgxpool.New(t.Context(), pgserver.DSN(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	schema := fmt.Sprintf("fair_%d_%d", os.Getpid(), schemas.Add(1))
	require.NoError(t, postgres.Migrate(t.Context(), pool.Config().ConnConfig, schema))
	store, err := postgres.New(pool, postgres.Options{Schema: schema, Now: f.clock.Now})
	require.NoError(t, err)
	f.store = &watchedStore{Store: store}
	sealer, err := seal.New(f.store, seal.MemoryKeyring(), seal.Options{Now: f.clock.Now})
	require.NoError(t, err)
	config := installation.Apple{}.Plug(runner.Config{Store: f.store, Sealer: sealer, SettleFor: -1})
	apple := &quickApple{now: f.clock.Now}
	config.Assigner, config.Devices, config.MDM = apple, apple, apple
	f.runner, err = runner.New(config)
	require.NoError(t, err)
	f.allowWipes()
	return f
}

func (f *fair) allowWipes() {
	yes, large := true, 1_000_000
	set, err := f.runner.SetPolicy(f.t.Context(), tess, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{
		On: &yes, Cooling: ptr(time.Minute), Waves: []int{admitted}, WaveShare: ptr(100), FailureRatio: ptr(100),
		Budget:             []enrollment.Allowance{{Most: large, In: time.Hour}},
		InstallationBudget: []enrollment.Allowance{{Most: large, In: time.Hour}},
	}})
	require.NoError(f.t, err)
	approve(f.t, f.runner, set.Proposal)
}

// adopt takes a tenant's servers, whose tokens are in use.
func (f *fair) adopt(tenant enrollment.TenantID, n int) {
	f.t.Helper()
	rows := func(yield func(runner.Adoption, error) bool) {
		for i := range n {
			token := fmt.Sprintf(`{"consumer_key":"CK_%s%d","consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, tenant, i)
			if !yield(runner.Adoption{Tenant: tenant, Reference: fmt.Sprint(i), Name: "MDM", Token: abmtoken.NewSecret(token)}, nil) {
				return
			}
		}
	}
	_, err := f.runner.Adopt(f.t.Context(), tess, rows, func(r runner.RowResult) {
		assert.Nil(f.t, r.Problem)
		f.servers[tenant] = append(f.servers[tenant], r.Server)
	})
	require.NoError(f.t, err)
}

// plan makes a plan that wipes so many devices, which two persons approve.
func (f *fair) plan(devices int) enrollment.PlanID {
	f.t.Helper()
	ctx, t := f.t.Context(), f.runner.Tenant("crowd")
	f.until(func() bool { return f.due(runner.KindServer) == 0 }) // whose services they are is learnt
	servers := f.servers["crowd"]
	view, err := t.NewPlan(ctx, tess, runner.NewPlan{
		Route: migration.Route{From: servers[0], To: servers[1], Profile: profileUUID, OldMDM: "old", NewMDM: "new"}, Wish: migration.Wipe, Reached: enrollment.Yes,
	})
	require.NoError(f.t, err)
	list, err := t.ListDevices(ctx, tess, view.ID, func(yield func(runner.PlanRow, error) bool) {
		for i := range devices {
			serial := fmt.Sprintf("C%08d", i)
			if !yield(runner.PlanRow{Serial: serial, Told: &enrollment.Device{UDID: udid(serial), Family: enrollment.FamilyMac, OS: "15.1"}}, nil) {
				return
			}
		}
	})
	require.NoError(f.t, err)
	require.Empty(f.t, list.Problems)
	_, err = t.SubmitPlan(ctx, tess, view.ID)
	require.NoError(f.t, err)
	for _, by := range []enrollment.Actor{bob, eve} {
		_, err := t.ApprovePlan(ctx, by, view.ID, runner.Approved{Digest: list.Plan.Digest})
		require.NoError(f.t, err)
	}
	return view.ID
}

// due is how many records of a kind are due now.
func (f *fair) due(kind string) int {
	f.t.Helper()
	now := f.clock.Now()
	n := 0
	q := storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage}
	for {
		page, err := f.store.List(f.t.Context(), q)
		require.NoError(f.t, err)
		for _, r := range page {
			if !r.Wake.IsZero() && !r.Wake.After(now) {
				n++
			}
		}
		if len(page) < q.Limit {
			return n
		}
		q.After = page[len(page)-1].Position()
	}
}

// step does some of what is due, or lets the time pass until something is.
func (f *fair) step() {
	f.t.Helper()
	ran, err := f.runner.RunDue(f.t.Context(), runner.Due{Limit: 100})
	require.NoError(f.t, err)
	require.Zero(f.t, ran.Failed)
	if !ran.More && !ran.Next.IsZero() {
		f.clock.Pass(max(ran.Next.Sub(f.clock.Now()), time.Second))
	}
}

func (f *fair) until(is func() bool) {
	f.t.Helper()
	for end := time.Now().Add(10 * time.Minute); !is(); f.step() {
		require.True(f.t, time.Now().Before(end), "it does not come to that")
	}
}

// watchedStore sees in which order workers claim.
type watchedStore struct {
	storage.Store
	mu       sync.Mutex
	on       bool
	moves    int            // devices that were claimed so far
	renewals map[string]int // how many that was when a tenant's renewal was claimed first
}

func (s *watchedStore) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.moves, s.renewals = true, 0, map[string]int{}
}

func (s *watchedStore) served() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.renewals)
}

func (s *watchedStore) most() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, before := range s.renewals {
		n = max(n, before)
	}
	return n
}

func (s *watchedStore) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range claimed.Records {
		_, seen := s.renewals[r.Tenant]
		switch {
		case !s.on:
		case r.Kind == runner.KindMove:
			s.moves++
		case r.Kind == runner.KindRenewal && !seen:
			s.renewals[r.Tenant] = s.moves
		}
	}
	return claimed, err
}

const profileUUID = "7E2B9C5D0F3A4E6B8C1D2E3F4A5B6C7D"

func udid(serial string) string { return "00000000-0000-4000-8000-0000" + serial[1:] }

// quickApple assigns at once, and every device has its profile.
type quickApple struct {
	installation.Apple
	now func() time.Time
}

func (*quickApple) Activity(_ context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
}

func (a *quickApple) Lookup(_ context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	seen := make([]enrollment.AssignedDevice, len(serials))
	for i, serial := range serials {
		seen[i] = enrollment.AssignedDevice{
			Device: enrollment.Device{Serial: serial, Family: enrollment.FamilyMac}, Assigned: enrollment.Yes, Server: s.Server, Service: s.UUID,
			Profile: profileUUID, ProfileStatus: enrollment.ProfileAssigned, ProfileAssigned: a.now(), ObservedAt: a.now(),
		}
	}
	return seen, nil
}

func (*quickApple) Devices(context.Context, enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(func(enrollment.AssignedDevice, error) bool) {}
}

func (a *quickApple) DeviceFacts(_ context.Context, _ enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	if mdm != "old" {
		return enrollment.DeviceFacts{}, enrollment.ErrNoDevice
	}
	d.Model, d.Family, d.OS = "Mac", enrollment.FamilyMac, "15.1"
	return enrollment.DeviceFacts{
		Device: d, MDM: mdm, Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No, AppleSilicon: enrollment.Yes,
		ActivationLocked: enrollment.No, EnrolledAt: a.now().Add(-time.Hour), LastSeen: a.now(), ObservedAt: a.now(),
	}, nil
}
