package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// moving is a customer whose server is lost, with devices at an old MDM that are to go to a new one. Commands are the
// technicians' and the cron job's; the MDMs and the devices act on their own.
type moving struct {
	*world
	from, to *customer
	fleet    *fleet.World
	old, new *fleet.MDM
	nano     string // where the old MDM's API is
	profile  string // of the new server
	plan     string
	webhook  http.Handler // takes what the MDMs tell

	said  bytes.Buffer // by whoever listens
	mu    sync.Mutex
	wipes map[string]int // that were handed over, by serial number
}

const nanoKey = "nano-key-7c1d" // the canary looks for it

func newMoving(t *testing.T) *moving {
	t.Helper()
	w := newWorld(t)
	m := &moving{world: w, wipes: map[string]int{}}
	m.from = w.newCustomer("default", "Old MDM").withToken()
	m.to = m.from.addServer("New MDM").withToken()
	m.fleet = fleet.New(fleet.Options{Now: w.now, Wait: w.pass})
	m.old, m.new = m.fleet.AddMDM("default", oldMDM), m.fleet.AddMDM("default", newMDM)
	m.old.Change(func(b *fleet.Behavior) { b.NoStatus, b.NoRecall = true, true }) // as NanoMDM
	m.old.Serves(m.from.service, enrollment.ServerID(m.from.server))
	m.new.Serves(m.to.service, enrollment.ServerID(m.to.server))
	nano := httptest.NewServer(http.HandlerFunc(m.enqueue))
	t.Cleanup(nano.Close)
	m.nano = nano.URL

	listener := &host{flags: flags{Store: w.path("store.db"), Tenant: "default", DEPURL: w.url}, process: process{err: &m.said, now: w.now}}
	require.NoError(t, listener.open(t.Context(), needs))
	var err error
	m.webhook, err = listener.webhook(listenFlags{WebhookKey: hookKey})
	require.NoError(t, err)
	defined := m.to.json("profile", "define", m.to.server, m.write("profile.json", []byte(`{"profile_name": "New MDM", "url": "`+m.new.URL()+`", "org_magic": "acme"}`)))
	m.profile = defined.ok().get("uuid")
	for _, mdm := range []*fleet.MDM{m.old, m.new} {
		mdm.Subscribe(m.heard)
	}
	return m
}

var (
	commandUUID = regexp.MustCompile(`<key>CommandUUID</key>\s*<string>([^<]+)</string>`)
	commandPIN  = regexp.MustCompile(`<key>PIN</key>\s*<string>([0-9]{6})</string>`)
)

// enqueue is NanoMDM's API: it queues an EraseDevice for a device.
func (m *moving) enqueue(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, key, _ := r.BasicAuth()
	id, is := strings.CutPrefix(r.URL.Path, "/v1/enqueue/")
	uuid := commandUUID.FindSubmatch(body)
	switch {
	case key != nanoKey:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case !is || uuid == nil || !strings.Contains(string(body), "<string>EraseDevice</string>"):
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	order := enrollment.Wipe{Command: string(uuid[1]), Tenant: "default", MDM: oldMDM, NotAfter: m.now().Add(time.Minute)}
	order.Device.UDID = id
	if strings.Contains(string(body), "<string>DoNotObliterate</string>") {
		order.Options.Obliteration = enrollment.DoNotObliterate
	}
	var pin enrollment.PIN
	if found := commandPIN.FindSubmatch(body); found != nil {
		pin, _ = enrollment.NewPIN(string(found[1]))
	}
	out := map[string]any{"command_uuid": order.Command, "request_type": "EraseDevice"}
	if _, err := m.fleet.Ports().Wipe(r.Context(), order, pin); err != nil {
		out["command_error"] = "command already exists: " + order.Command
		w.WriteHeader(http.StatusInternalServerError)
	} else {
		for _, d := range m.fleet.Devices() {
			if d.Enrollment().UDID == id {
				m.mu.Lock()
				m.wipes[d.Serial()]++
				m.mu.Unlock()
			}
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// device adds one that came by the old service.
func (m *moving) device(spec fleet.Spec) *fleet.Device {
	m.t.Helper()
	d := m.fleet.AddDevice(m.from.org, spec)
	require.NoError(m.t, m.from.admin.Assign(m.from.service, spec.Serial))
	require.True(m.t, d.EnrollAt(m.old))
	m.fleet.Step()
	return d
}

// macs adds Macs that can only be wiped.
func (m *moving) macs(n int) {
	for i := range n {
		m.device(fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1), OS: "15.5", NotCapable: true})
	}
}

// in runs a command as somebody, with the old MDM's address.
func (m *moving) in(name string, args ...string) result {
	m.t.Helper()
	return m.as(name, append([]string{"--nanomdm-url", m.nano, "--nanomdm-key", nanoKey, "--axm-url", m.url}, args...)...)
}

// draft makes a plan from the old server to the new one.
func (m *moving) draft(args ...string) result {
	m.t.Helper()
	got := m.in("tess", append([]string{
		"migrate", "plan", "--from", m.from.server, "--to", m.to.server, "--mdm-reached", "yes",
	}, args...)...)
	if got.status == 0 {
		m.plan = got.get("id")
	}
	return got
}

// approved has the plan submitted, and approved by others.
func (m *moving) approved(by ...string) {
	m.t.Helper()
	digest := m.in("tess", "migrate", "submit", m.plan).ok().get("digest")
	for _, name := range by {
		m.in(name, "migrate", "approve", m.plan, "--digest", digest).ok()
	}
}

func (m *moving) state() string {
	m.t.Helper()
	return m.in("tess", "migrate", "show", m.plan).ok().get("state")
}

// live lets devices act, and the cron job run, until the time is over or until says so.
func (m *moving) live(d time.Duration, until func() bool) {
	m.t.Helper()
	for end := m.world.now().Add(d); m.world.now().Before(end) && (until == nil || !until()); {
		m.fleet.Step()
		ran := m.in("cron", "run", "--once").ok().object()
		m.fleet.Step()
		at := end
		if text, is := ran["next"].(string); is {
			next, err := time.Parse(time.RFC3339Nano, text)
			require.NoError(m.t, err)
			at = next
		}
		if next := m.fleet.Wake(); !next.IsZero() && next.Before(at) {
			at = next
		}
		m.pass(max(min(at.Sub(m.world.now()), time.Hour), 3*time.Minute)) // it does not come to the minute
	}
}

// moves are the devices of the plan by state.
func (m *moving) moves() map[string][]string {
	m.t.Helper()
	out := map[string][]string{}
	for _, d := range m.in("tess", "migrate", "moves", m.plan).ok().objects() {
		assert.Equal(m.t, m.plan, d["plan"])
		out[d["state"].(string)] = append(out[d["state"].(string)], d["id"].(string))
	}
	return out
}

// withWipes has wipes turned on, by two persons.
func (w *world) withWipes(flags ...string) {
	w.t.Helper()
	id := w.as("tess", append([]string{"policy", "set", "--installation", "--wipes", "on"}, flags...)...).proposed()
	w.as("bob", "proposal", "approve", id).ok()
}

// withAPI gives the customer an account for Apple's API.
func (m *moving) withAPI() {
	m.t.Helper()
	account, err := m.from.admin.CreateAPIAccount()
	require.NoError(m.t, err)
	key := m.write("api.pem", account.PrivateKey)
	m.in("tess", "api-account", "add", "--client-id", account.ClientID, "--key-id", account.KeyID, "--key", key).ok()
}

// wiped are the devices that a wipe has left for.
func (m *moving) wiped() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.wipes))
}

// importPush gives the customer a push certificate that lives for some days.
func (m *moving) importPush(days int) {
	m.t.Helper()
	key, err := apns.GenerateKey()
	require.NoError(m.t, err)
	at := m.world.now()
	cert := m.apple.Push().Issue(key.Public(), "com.apple.mgmt.External.0b7a7a52-3c1c-4c0d-9d6a-6b8f1f6f4a01", at.AddDate(0, 0, -300), at.AddDate(0, 0, days))
	m.in("tess", "--apns-url", "https://127.0.0.1:1", "push", "import", "--cert", m.write("push.der", cert.Raw), "--key", m.write("push.key", key.RevealPEM())).ok()
}
