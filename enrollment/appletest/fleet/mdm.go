package fleet

import (
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// MDM is a server that manages devices. Make one with [World.AddMDM].
type MDM struct {
	world  *World
	tenant enrollment.TenantID
	id     enrollment.MDMID

	behavior    Behavior
	down        bool
	servers     map[*appletest.Service]enrollment.ServerID
	records     map[string]*record // by UDID
	commands    map[string]*command
	subscribers []func(enrollment.DeviceEvent)
}

// Behavior is what differs between MDMs. The zero value is one that can do everything.
type Behavior struct {
	// PushLost: its push certificate has expired, so that devices hear of a command only when they check in by themselves.
	PushLost bool
	// KeepsQueue: what is queued for a device survives its next enrollment (as some MDMs do), and would strike it then.
	KeepsQueue bool
	// TakesRepeats: a command is queued again under a UUID that was there before.
	TakesRepeats bool
	// NoStatus and NoRecall: it can neither be asked about a wipe, nor withdraw it.
	NoStatus, NoRecall bool
	// LosesAnswers is how many wipes are queued from now on without the caller hearing of it.
	LosesAnswers int
}

// record is what an MDM knows of a device.
type record struct {
	device           enrollment.Device
	spec             Spec
	managed          bool
	ade              bool
	enrolledAt, seen time.Time
	queue            []*command
}

// command is a wipe that an MDM has taken.
type command struct {
	wipe   enrollment.Wipe
	pin    string
	taken  bool // by a device that has not answered
	status enrollment.WipeStatus
}

// AddMDM adds an MDM. Enrollment profiles lead to it by its [MDM.URL].
func (w *World) AddMDM(tenant enrollment.TenantID, id enrollment.MDMID) *MDM {
	m := &MDM{
		world: w, tenant: tenant, id: id, servers: map[*appletest.Service]enrollment.ServerID{},
		records: map[string]*record{}, commands: map[string]*command{},
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mdms = append(w.mdms, m)
	return m
}

// ID returns the name of the MDM.
func (m *MDM) ID() enrollment.MDMID { return m.id }

// URL returns where devices enroll, for the enrollment profile.
func (m *MDM) URL() string {
	return "https://" + string(m.id) + "." + string(m.tenant) + ".example/enroll"
}

// Serves says which server of the host stands for a service at Apple that leads to this MDM, for its events. One MDM may
// serve several.
func (m *MDM) Serves(s *appletest.Service, server enrollment.ServerID) {
	m.change(func() { m.servers[s] = server })
}

// Subscribe has every event of this MDM told, from now on.
func (m *MDM) Subscribe(to func(enrollment.DeviceEvent)) {
	m.change(func() { m.subscribers = append(m.subscribers, to) })
}

// Down takes the MDM out of reach of devices and callers, or brings it back.
func (m *MDM) Down(down bool) { m.change(func() { m.down = down }) }

// Change changes how the MDM behaves.
func (m *MDM) Change(change func(*Behavior)) { m.change(func() { change(&m.behavior) }) }

// Devices returns how many devices the MDM believes that it manages.
func (m *MDM) Devices() (n int) {
	m.change(func() {
		for _, r := range m.records {
			if r.managed {
				n++
			}
		}
	})
	return n
}

func (m *MDM) change(do func()) {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	do()
}

// at returns the MDM that a profile leads to.
func (w *World) at(url string) *MDM {
	for _, m := range w.mdms {
		if url != "" && (url == m.URL() || strings.HasPrefix(url, m.URL()+"/")) {
			return m
		}
	}
	return nil
}

// find needs the lock.
func (w *World) find(tenant enrollment.TenantID, id enrollment.MDMID) *MDM {
	i := slices.IndexFunc(w.mdms, func(m *MDM) bool { return m.tenant == tenant && m.id == id })
	if i < 0 {
		return nil
	}
	return w.mdms[i]
}

// enrolled takes a device in: Authenticate, then the first TokenUpdate.
func (m *MDM) enrolled(d *Device, by *appletest.Service) {
	r := m.records[d.spec.UDID]
	if r == nil {
		r = &record{}
		m.records[d.spec.UDID] = r
	}
	now := m.world.clock()
	r.device, r.spec, r.managed, r.ade, r.enrolledAt, r.seen = d.spec.device(), d.spec, true, by != nil, now, now
	if !m.behavior.KeepsQueue {
		r.queue = nil
	}
	e := enrollment.DeviceEvent{Serial: d.spec.Serial, UDID: d.spec.UDID, Server: m.servers[by], Device: r.device}
	for _, e.Kind = range [...]enrollment.DeviceEventKind{enrollment.DeviceAuthenticated, enrollment.DeviceEnrolled} {
		m.world.note(m, e)
	}
}

// checkedOut hears that a device has left.
func (m *MDM) checkedOut(d *Device) {
	if r := m.records[d.spec.UDID]; r != nil {
		r.managed, r.seen = false, m.world.clock()
	}
}

// hasWork reports whether the device was pushed to fetch a command. One that was put off waits for the next check-in.
func (m *MDM) hasWork(d *Device) bool {
	r := m.records[d.spec.UDID]
	return r != nil && len(r.queue) > 0 && !m.down && !m.behavior.PushLost && !r.queue[0].taken
}

// take gives the device the next command, which stays queued until it is answered: who answers nothing gets it again.
func (m *MDM) take(d *Device) *command {
	r := m.records[d.spec.UDID]
	if len(r.queue) == 0 {
		return nil
	}
	r.queue[0].taken = true
	return r.queue[0]
}

// answer hears what the device says.
func (m *MDM) answer(d *Device, c *command, state enrollment.WipeState, reason string) {
	now := m.world.clock()
	c.status = enrollment.WipeStatus{State: state, Reason: reason, At: now}
	if state != enrollment.WipeNotNow {
		r := m.records[d.spec.UDID]
		r.queue = slices.DeleteFunc(r.queue, func(one *command) bool { return one == c })
	}
	m.world.note(m, enrollment.DeviceEvent{
		Kind: enrollment.DeviceWipeAnswered, Serial: d.spec.Serial, UDID: d.spec.UDID,
		Wipe: &enrollment.WipeAnswer{Command: c.wipe.Command, State: state, Reason: reason},
	})
}
