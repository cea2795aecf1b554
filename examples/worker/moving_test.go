package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
)

// mover is a customer who lost a server: devices at an old MDM, which are to go to a new one.
type mover struct {
	s        *stage
	world    *fleet.World
	from, to *customer
	old, new *fleet.MDM
	profile  string
	devices  int

	mu    sync.Mutex
	plans []enrollment.PlanID
}

// newWorld is the devices and MDMs of a stage.
func (s *stage) newWorld() (*fleet.World, *fakeNano) {
	world := fleet.New(fleet.Options{Now: s.clock.Now, Wait: s.clock.Pass})
	return world, newFakeNano(s.t, world)
}

// mover adds one, with an API account at Apple.
func (s *stage) mover(tenant enrollment.TenantID, world *fleet.World) *mover {
	s.t.Helper()
	ctx := s.t.Context()
	m := &mover{s: s, world: world, from: s.customer(tenant)}
	m.to = m.from.serve("New server of " + string(tenant))
	m.old, m.new = world.AddMDM(tenant, "old"), world.AddMDM(tenant, "new")
	m.old.Serves(m.from.service, m.from.server)
	m.new.Serves(m.to.service, m.to.server)
	m.old.Subscribe(m.heard)
	m.new.Subscribe(m.heard)
	for c, mdm := range map[*customer]*fleet.MDM{m.from: m.old, m.to: m.new} {
		uuid, err := c.client().DefineProfile(ctx, dep.Profile{Name: c.service.Name(), URL: mdm.URL(), Magic: string(tenant)})
		require.NoError(s.t, err)
		if c == m.to {
			m.profile = uuid
		}
	}
	account, err := m.from.admin.CreateAPIAccount()
	require.NoError(s.t, err)
	_, err = s.tenant(tenant).SetAPIAccount(ctx, tess, runner.APIAccountInput{ClientID: account.ClientID, KeyID: account.KeyID, PrivateKey: account.PrivateKey})
	require.NoError(s.t, err)
	return m
}

// client is the host's own, for a service.
func (c *customer) client() *dep.Client {
	c.s.t.Helper()
	client, err := dep.NewClient(c.s.tenant(c.tenant).Tokens(c.server), dep.Options{Transport: c.s.apple.Transport(), Now: c.s.clock.Now})
	require.NoError(c.s.t, err)
	return client
}

// allowWipes turns wipes on, with rules that let a test see several waves.
func (s *stage) allowWipes() {
	s.t.Helper()
	ctx := s.t.Context()
	of := func(d time.Duration) *time.Duration { return &d }
	yes, enough, all, share := true, 100, 30, 100
	_, err := s.host.runner.SetPolicy(ctx, tess, enrollment.PolicyChange{WipeAnswerWithin: of(3 * time.Hour), EnrollWithin: of(3 * time.Hour)})
	require.NoError(s.t, err)
	set, err := s.host.runner.SetPolicy(ctx, tess, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{
		On: &yes, Cooling: of(time.Minute), Waves: []int{2, 4}, WaveShare: &share, FailureRatio: &enough, WaveEnough: &all,
		Budget: []enrollment.Allowance{{Most: 10, In: 20 * time.Minute}}, InstallationBudget: []enrollment.Allowance{{Most: 1000, In: time.Hour}},
		AlonePlan: ptr(1000),
	}})
	require.NoError(s.t, err)
	approve(s.t, s.host.runner, set.Proposal)
	policy, err := s.host.runner.Policy(ctx)
	require.NoError(s.t, err)
	require.True(s.t, policy.Wipes.On)
}

// approve has as many persons approve a proposal as it needs.
func approve(t testing.TB, r *runner.Runner, p *runner.ProposalView) {
	t.Helper()
	for _, by := range []enrollment.Actor{bob, eve}[:max(p.Needed, 1)] {
		_, err := r.ApproveProposal(t.Context(), by, p.ID, runner.Approved{Digest: p.Digest})
		require.NoError(t, err)
	}
}

func ptr[T any](v T) *T { return &v }

// heard is the host's own webhook: what devices tell is kept for all machines, and handed in.
func (m *mover) heard(e enrollment.DeviceEvent) {
	ctx := context.Background()
	facts, err := m.world.Ports().DeviceFacts(ctx, e.Tenant, e.MDM, enrollment.Device{UDID: e.UDID})
	if err == nil {
		_, _, err = sightings.New(m.s.store, m.s.host.sealer, kindSighting).Saw(ctx, e.Tenant, nanomdm.Sighting{DeviceFacts: facts})
	}
	if err == nil {
		_, err = patiently(func() (bool, error) { return m.s.tenant(e.Tenant).Observe(ctx, e) })
	}
	if err != nil {
		m.s.t.Errorf("what a device told is lost: %v", err)
	}
}

// patiently repeats a call that somebody else is at.
func patiently[T any](do func() (T, error)) (T, error) {
	for n := 0; ; n++ {
		got, err := do()
		if err == nil || n == 100 || enrollment.ProblemOf(err) == nil || !enrollment.ProblemOf(err).Retry {
			return got, err
		}
	}
}

// add brings new devices, which came by the old service.
func (m *mover) add(n int) (serials []string) {
	m.s.t.Helper()
	for range n {
		m.devices++
		serial := fmt.Sprintf("%s%04d", strings.ToUpper(string(m.from.tenant)), m.devices)
		d := m.world.AddDevice(m.from.org, fleet.Spec{Serial: serial, SetUp: time.Minute})
		require.NoError(m.s.t, m.from.admin.Assign(m.from.service, serial))
		d.EnrollAt(m.old)
		serials = append(serials, serial)
	}
	for _, serial := range serials { // the event may still be on its way
		m.s.eventually("the host knows of "+serial, func() bool {
			_, err := sightings.New(m.s.store, m.s.host.sealer, kindSighting).Sighting(m.s.t.Context(), m.from.tenant, "old", enrollment.Device{Serial: serial})
			return err == nil
		})
	}
	return serials
}

// plan makes an approved plan of devices.
func (m *mover) plan(ctx context.Context, serials []string) (enrollment.PlanID, error) {
	t := m.s.tenant(m.from.tenant)
	view, err := patiently(func() (runner.PlanView, error) {
		return t.NewPlan(ctx, tess, runner.NewPlan{
			Route: migration.Route{From: m.from.server, To: m.to.server, Profile: m.profile, OldMDM: "old", NewMDM: "new"}, Reached: enrollment.Yes,
		})
	})
	if err != nil {
		return "", fmt.Errorf("making a plan: %w", err)
	}
	list, err := patiently(func() (runner.PlanList, error) { return t.ListDevices(ctx, tess, view.ID, rows(serials)) })
	if err != nil {
		return "", fmt.Errorf("listing devices: %w", err)
	}
	if len(list.Problems) > 0 {
		return "", fmt.Errorf("listing devices: %v", list.Problems[0])
	}
	if _, err = patiently(func() (runner.PlanView, error) { return t.SubmitPlan(ctx, tess, view.ID) }); err != nil {
		return "", fmt.Errorf("submitting: %w", err)
	}
	_, err = patiently(func() (runner.PlanView, error) {
		v, err := t.ApprovePlan(ctx, bob, view.ID, runner.Approved{Digest: list.Plan.Digest})
		if now := m.view(ctx, view.ID); now.State != migration.PlanAwaiting {
			return now, nil // a call before, whose outcome was not known, has done it
		}
		return v, err
	})
	if err != nil {
		return "", fmt.Errorf("approving: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plans = append(m.plans, view.ID)
	return view.ID, nil
}

func rows(serials []string) iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for _, s := range serials {
			if !yield(runner.PlanRow{Serial: s}, nil) {
				return
			}
		}
	}
}

func (m *mover) view(ctx context.Context, id enrollment.PlanID) runner.PlanView {
	v, err := patiently(func() (runner.PlanView, error) { return m.s.tenant(m.from.tenant).Plan(ctx, tess, id) })
	if err != nil {
		m.s.t.Errorf("a plan cannot be looked at: %v", err)
	}
	return v
}

// ended reports whether all plans are.
func (m *mover) ended(ctx context.Context) bool {
	m.mu.Lock()
	plans := m.plans
	m.mu.Unlock()
	for _, id := range plans {
		if m.view(ctx, id).State.Live() {
			return false
		}
	}
	return true
}
