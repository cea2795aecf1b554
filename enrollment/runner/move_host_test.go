package runner_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// mover is a customer who lost a server: devices at an old MDM, which are to go to a new one.
type mover struct {
	*host
	acme     *customer
	from, to *service
	world    *fleet.World
	old, new *fleet.MDM
	services *dep.Services
	clients  map[enrollment.ServerID]*dep.Client
	profile  string
	plan     enrollment.PlanID
	unheard  bool // the host loses what MDMs tell it
	gone     bool // Apple says that the new service was deleted
	bare     bool // Apple says that the new service has no such profile
	listen   func(enrollment.DeviceEvent)
	assigner enrollment.Assigner // instead of the one that does everything at once
	faulty   bool                // the store loses answers: a record may be due again after its lease
	mute     bool                // Apple says nothing about profiles

	mu    sync.Mutex
	asked map[enrollment.MDMID]int // reads of a device's facts
	looks int                      // calls that show devices at a service
	wipes map[string][]string      // commands that were handed over, by serial number
	posts []time.Time              // calls about assignments
	wrong []string                 // wipes that should not have left
	halt  time.Time                // from when on none may
	life  *process                 // of the cron job
	cron  *runner.Runner
}

func newMover(t testing.TB, options ...option) *mover {
	t.Helper()
	m := &mover{host: newHost(t, options...), wipes: map[string][]string{}, asked: map[enrollment.MDMID]int{}}
	m.MakeKeysWith((&keymaker{}).Pair)
	m.acme = m.customer("acme")
	m.world = fleet.New(fleet.Options{Now: m.clock.Now, Wait: m.clock.Pass})
	m.old, m.new = m.world.AddMDM("acme", "old"), m.world.AddMDM("acme", "new")
	m.from, m.to = m.acme.addServer("Old MDM"), m.acme.addServer("New MDM")
	m.old.Serves(m.from.apple, m.from.id)
	m.new.Serves(m.to.apple, m.to.id)
	clients := map[enrollment.ServerID]*dep.Client{}
	m.clients = clients
	for _, s := range []*service{m.from, m.to} {
		client, err := dep.NewClient(m.acme.Tokens(s.id), dep.Options{Transport: m.apple.Transport(), Now: m.clock.Now})
		require.NoError(t, err)
		clients[s.id] = client
	}
	m.services = dep.NewServices(func(_ context.Context, s enrollment.Service) (*dep.Client, error) { return clients[s.Server], nil })
	for s, mdm := range map[*service]*fleet.MDM{m.from: m.old, m.to: m.new} {
		uuid, err := clients[s.id].DefineProfile(ctx(t), dep.Profile{Name: s.apple.Name(), URL: mdm.URL(), Magic: "acme"})
		require.NoError(t, err)
		if s == m.to {
			m.profile = uuid
		}
		mdm.Subscribe(m.heard)
	}
	m.config.Assigner, m.config.Profiles, m.config.Devices = m, m, m
	m.config.Wipes, m.config.MDM, m.config.Locks = m, m, m.world.Ports()
	m.restartWith(m.config)
	m.reborn(nil)
	hours := func(n int) *time.Duration { d := time.Duration(n) * time.Hour; return &d }
	_, err := m.SetPolicy(ctx(t), tech, enrollment.PolicyChange{
		WipeAnswerWithin: hours(3), EnrollWithin: hours(3), MigrationDeadline: hours(26), // nobody waits for weeks here
	})
	require.NoError(t, err)
	set, err := m.SetPolicy(ctx(t), tech, on())
	require.NoError(t, err)
	_, err = m.ApproveProposal(ctx(t), bob, set.Proposal.ID, word(*set.Proposal))
	require.NoError(t, err)
	return m
}

func (m *mover) tenant() *runner.Tenant { return m.Tenant("acme") }

// reborn begins a new life of the cron job, beside the process that people and MDMs talk to.
func (m *mover) reborn(f fate) {
	m.life = &process{}
	m.cron = m.born(m.life)
	m.life.fate = f
}

// born is a runner as a process.
func (m *mover) born(life *process) *runner.Runner {
	store := life.around(m.store)
	fate := life.fate
	life.fate = nil
	sealer, err := seal.New(store, m.keys, seal.Options{})
	require.NoError(m.t, err)
	life.fate = fate
	config := m.config
	config.Store, config.Sealer, config.Workers = store, sealer, 1
	m.mortal(&config, life)
	r, err := runner.New(config)
	require.NoError(m.t, err)
	return r
}

// mortal puts the process around the ports that are the world's own; what a test put in their place stays.
func (m *mover) mortal(c *runner.Config, life *process) {
	ports := mortalPorts{life, m, c.Locks}
	for _, p := range []struct {
		own bool
		put func()
	}{
		{c.Assigner == enrollment.Assigner(m), func() { c.Assigner = ports }},
		{c.Profiles == enrollment.ProfileAssigner(m), func() { c.Profiles = ports }},
		{c.Devices == enrollment.DeviceLister(m), func() { c.Devices = ports }},
		{c.Wipes == enrollment.WipeDispatcher(m), func() { c.Wipes = ports }},
		{c.MDM == enrollment.DeviceReader(m), func() { c.MDM = ports }},
		{c.Locks != nil, func() { c.Locks = ports }},
	} {
		if p.own {
			p.put()
		}
	}
}

// heard takes what an MDM tells the host.
func (m *mover) heard(e enrollment.DeviceEvent) {
	if m.listen != nil {
		m.listen(e)
		return
	}
	if m.unheard {
		return
	}
	_, err := m.tenant().Observe(context.Background(), e)
	assert.NoError(m.t, err)
}

// device adds one that came by the old service.
func (m *mover) device(spec fleet.Spec) *fleet.Device {
	m.t.Helper()
	d := m.world.AddDevice(m.acme.org, spec)
	require.NoError(m.t, m.acme.admin.Assign(m.from.apple, spec.Serial))
	d.EnrollAt(m.old)
	return d
}

// twelve are devices of every kind.
func (m *mover) twelve() {
	for i := range 6 {
		spec := fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1)}
		if i == 3 { // in the second wave
			spec.Offline = []fleet.Window{{From: m.clock.Now().Add(time.Minute)}}
		}
		m.device(spec)
	}
	m.device(fleet.Spec{Serial: "MAC7", OldMac: true})
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("PHONE%d", i+1), Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 25 * time.Hour})
	}
	m.device(fleet.Spec{Serial: "PAD1", Family: enrollment.FamilyIPad, OS: "17.4", SharedIPad: true})
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
}

// rows are those of a plan.
var rows = runner.Serials

func (m *mover) serials() (all []string) {
	for _, d := range m.world.Devices() {
		all = append(all, d.Serial())
	}
	return all
}

func (m *mover) wish() runner.NewPlan {
	return runner.NewPlan{
		Route: migration.Route{From: m.from.id, To: m.to.id, Profile: m.profile, OldMDM: "old", NewMDM: "new"}, Reached: enrollment.Yes,
	}
}

// oneMDM puts one MDM behind both services, where everything but a reassignment is somebody's wish.
func (m *mover) oneMDM() runner.NewPlan {
	m.t.Helper()
	m.new = m.old
	m.old.Serves(m.to.apple, m.to.id)
	var err error
	m.profile, err = m.clients[m.to.id].DefineProfile(ctx(m.t), dep.Profile{Name: "One MDM", URL: m.old.URL(), Magic: "acme"})
	require.NoError(m.t, err)
	wish := m.wish()
	wish.Route.NewMDM, wish.Wish = wish.Route.OldMDM, migration.Wipe
	return wish
}

// drafted makes a plan of all devices.
func (m *mover) drafted() runner.PlanView {
	m.t.Helper()
	m.clock.Pass(time.Hour)
	view, err := m.tenant().NewPlan(ctx(m.t), tech, m.wish())
	require.NoError(m.t, err)
	m.plan = view.ID
	list, err := m.tenant().ListDevices(ctx(m.t), tech, m.plan, rows(m.serials()...))
	require.NoError(m.t, err)
	require.Empty(m.t, list.Problems)
	return list.Plan
}

// approvedAs makes a plan of some devices as it is wished for, which bob approves where somebody has to.
func (m *mover) approvedAs(wish runner.NewPlan, serials ...string) {
	m.t.Helper()
	view, err := m.tenant().NewPlan(ctx(m.t), tech, wish)
	require.NoError(m.t, err)
	m.plan = view.ID
	list, err := m.tenant().ListDevices(ctx(m.t), tech, m.plan, rows(serials...))
	require.NoError(m.t, err)
	require.Empty(m.t, list.Problems)
	view, err = m.tenant().SubmitPlan(ctx(m.t), tech, m.plan)
	require.NoError(m.t, err)
	if view.Missing > 0 {
		_, err = m.tenant().ApprovePlan(ctx(m.t), bob, m.plan, runner.Approved{Digest: view.Digest})
		require.NoError(m.t, err)
	}
}

// approved makes a plan of all devices, which bob approves.
func (m *mover) approved() {
	m.t.Helper()
	view := m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(m.t), tech, m.plan)
	require.NoError(m.t, err)
	_, err = m.tenant().ApprovePlan(ctx(m.t), bob, m.plan, runner.Approved{Digest: view.Digest})
	require.NoError(m.t, err)
}

func (m *mover) view() runner.PlanView {
	m.t.Helper()
	view, err := m.tenant().Plan(ctx(m.t), tech, m.plan)
	require.NoError(m.t, err)
	return view
}

// live lets devices and the cron job act until the time is over, or until says so.
func (m *mover) live(d time.Duration, until func() bool) {
	m.t.Helper()
	for end := m.clock.Now().Add(d); m.clock.Now().Before(end) && (until == nil || !until()); {
		m.world.Step()
		var ran runner.Ran
		err, lived := m.life.run(func() (err error) { ran, err = m.cron.RunDue(m.t.Context(), runner.Due{}); return err })
		if !lived {
			m.clock.Pass(time.Minute) // until the leases of the dead process are over
			m.reborn(nil)
			continue
		}
		require.NoError(m.t, err)
		if !m.faulty {
			require.Zero(m.t, ran.Failed, "%s", m.log)
		}
		m.world.Step()
		if ran.More {
			continue
		}
		next := end
		for _, at := range []time.Time{ran.Next, m.world.Wake()} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		m.clock.Pass(max(next.Sub(m.clock.Now()), time.Second))
	}
}

func (m *mover) ended() bool { return !m.view().State.Live() }

// states are the devices of the plan by state, as the moves themselves say.
func (m *mover) states() map[migration.MoveState][]string {
	m.t.Helper()
	page, err := m.tenant().Moves(ctx(m.t), tech, m.plan, "", runner.Page{Limit: 1000})
	require.NoError(m.t, err)
	require.Empty(m.t, page.Damaged)
	out := map[migration.MoveState][]string{}
	for _, v := range page.Moves {
		out[v.State] = append(out[v.State], v.Device.Serial)
	}
	return out
}

// harmless says that nothing was wiped that may not be, and nothing twice.
func (m *mover) harmless() {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	assert.Empty(m.t, m.wrong)
	for serial, commands := range m.wipes {
		assert.Len(m.t, commands, 1, "%s was wiped by more than one command", serial)
		assert.Equal(m.t, "MAC", serial[:3], "%s has a gentler way", serial)
	}
	for _, d := range m.world.Devices() {
		assert.LessOrEqual(m.t, d.Erases(), 1, d.Serial())
	}
	report, err := m.VerifyAudit(ctx(m.t))
	require.NoError(m.t, err)
	assert.Empty(m.t, report.Faults)
}

func pageOf(n int) runner.Page { return runner.Page{Limit: n} }

// movers is a host that could move devices, if there were any.
func movers(h *host) *runner.Runner {
	config := h.config
	config.Devices, config.Profiles = &mover{}, &dep.Services{}
	r, err := runner.New(config)
	require.NoError(h.t, err)
	return r
}
