package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// A customer without an API account. The serial numbers go to the portal by hand, the plan goes on when the new service
// shows the devices, and each is wiped once and comes back.
func TestDevicesMoveWithoutAnAPIAccount(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(3)
	list := m.write("devices.csv", []byte("serial,asset tag\nMAC1,A-1\nmac2,A-2\nMAC3,\nMAC3,twice\nX99,foreign\n!,\n"))

	dry := m.draft("--devices", list, "--dry-run").ok()
	assert.Equal(t, "dry-run", dry.get("id"))
	assert.Equal(t, map[string]any{"wipe": 3.0}, dry.at("ways"))
	assert.EqualValues(t, 3, dry.at("refused"))
	assert.NotEmpty(t, dry.at("missing"), "NanoMDM takes nothing back")
	first := dry.at("devices").([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{"asset tag": "A-1"}, first["other"])
	assert.NotEmpty(t, first["reasons"])
	assert.Empty(t, m.in("tess", "migrate", "list").ok().objects(), "nothing was stored")

	draft := m.draft("--devices", list).ok()
	assert.Equal(t, m.plan, draft.get("plan"))
	assert.Len(t, draft.at("rows"), 3)
	plain := m.cli("migrate", "show", m.plan).ok().out
	assert.Contains(t, plain, "3: 3 to wipe")
	assert.Contains(t, plain, "3 rows were refused")
	assert.Contains(t, plain, "Nobody has submitted the plan yet")
	m.approved("bob")
	shown := m.in("tess", "migrate", "show", m.plan).ok()
	assert.Equal(t, "cooling", shown.get("state"))
	assert.Contains(t, shown.get("waiting_for"), "cooling period")
	assert.Equal(t, "refused", m.in("tess", "migrate", "start", m.plan).fails(8).code())
	m.live(2*time.Hour, func() bool {
		batches := m.in("tess", "migrate", "batches", m.plan).ok().objects()
		return len(batches) == 1 && batches[0]["state"] == "by_hand"
	})
	assert.Contains(t, m.cli("migrate", "show", m.plan).ok().out, "1 wait for somebody at Apple's portal")
	assert.Equal(t, "running", m.state())

	batches := m.in("tess", "migrate", "batches", m.plan).ok().objects()
	require.Len(t, batches, 1)
	batch := batches[0]["id"].(string)
	assert.Equal(t, "by_hand", batches[0]["state"])
	file := m.path("serials.csv")
	out := m.cli("migrate", "serials", m.plan, batch, "--out", file).ok().out
	assert.Contains(t, out, " 1. ", "what to click")
	assert.Contains(t, out, "New MDM")
	assert.Equal(t, "serial\nMAC1\nMAC2\nMAC3\n", string(m.read(file)))
	m.cli("migrate", "serials", m.plan, batch, "--out", file).fails(8)
	assert.Equal(t, string(m.read(file)), m.cli("migrate", "serials", m.plan, batch).ok().out)
	assert.Len(t, m.in("tess", "migrate", "serials", m.plan, batch).ok().at("serials"), 3)

	assert.EqualValues(t, 3, m.in("tess", "migrate", "recheck", m.plan, batch).ok().at("missing"), "nobody has done it yet")
	require.NoError(t, m.to.admin.Assign(m.to.service, strings.Fields(string(m.read(file)))[1:]...))
	assert.EqualValues(t, 0, m.in("tess", "migrate", "recheck", m.plan, batch).ok().at("missing"))
	m.live(5*24*time.Hour, func() bool { return m.state() == "completed" })
	assert.Equal(t, map[string][]string{"enrolled": {"MAC1", "MAC2", "MAC3"}}, m.moves())
	assert.Equal(t, map[string]int{"MAC1": 1, "MAC2": 1, "MAC3": 1}, m.wipes)
	for _, d := range m.fleet.Devices() {
		assert.Equal(t, m.new, d.MDM(), d.Serial())
	}
	one := m.in("tess", "migrate", "moves", m.plan, "mac1").ok()
	assert.Equal(t, map[string]any{"asset tag": "A-1"}, one.at("other"))
	assert.NotEmpty(t, one.at("history"))
	assert.Contains(t, m.cli("migrate", "moves", m.plan, "mac1").ok().out, "enrolled: enrolled")
	m.cli("audit", "verify").ok()
	assert.Contains(t, m.cli("audit", "show", m.plan).ok().out, "plan_approved")
}

// twelve are devices of every kind.
func (m *moving) twelve() {
	for i := range 6 {
		spec := fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1), OS: "15.5", NotCapable: true}
		if i == 3 { // in the second wave
			spec.Offline = []fleet.Window{{From: m.world.now().Add(time.Minute)}}
		}
		m.device(spec)
	}
	m.device(fleet.Spec{Serial: "MAC7", OS: "12.7", OldMac: true, NotCapable: true})
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprintf("PHONE%d", i+1), Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 25 * time.Hour})
	}
	m.device(fleet.Spec{Serial: "PAD1", Family: enrollment.FamilyIPad, OS: "17.4", SharedIPad: true})
	m.device(fleet.Spec{Serial: "THERE1"}).EnrollAt(m.new)
	m.fleet.Step()
}

// The whole story of a lost server: twelve devices of every kind, approved by two others, moved in waves, stopped in the middle
// and let go on. Nobody is erased who has a gentler way, and nobody twice.
func TestTwelveDevicesOfALostServer(t *testing.T) {
	m := newMoving(t)
	m.withAPI()
	m.withWipes()
	m.in("tess", "policy", "set", "--alone-plan", "0", "--wipe-answer-within", "3h", "--enroll-within", "3h", "--migration-deadline", "26h").ok()
	m.twelve()
	m.pass(time.Hour)

	dry := m.draft("--all", "--dry-run").ok()
	assert.Equal(t, map[string]any{"wipe": 7.0, "migrate": 3.0, "hands": 1.0, "reassign": 1.0}, dry.at("ways"))
	draft := m.draft("--all").ok()
	digest := m.in("tess", "migrate", "submit", m.plan).ok().get("digest")
	assert.Equal(t, draft.get("digest"), digest)
	approve := func(name, digest string) result {
		return m.in(name, "migrate", "approve", m.plan, "--digest", digest)
	}
	assert.Equal(t, "own_approval", approve("tess", digest).fails(8).code())
	assert.Equal(t, "approved_otherwise", approve("bob", strings.Repeat("0", 64)).fails(8).code())
	waiting := approve("bob", digest).ok()
	assert.Equal(t, "awaiting_approval", waiting.get("state"))
	assert.Contains(t, waiting.get("waiting_for"), "(one more person)")
	assert.Equal(t, "awaiting_approval", approve("bob", digest).ok().get("state"), "the same person twice is one")
	assert.Equal(t, "cooling", approve("cleo", digest).ok().get("state"))
	m.pass(61 * time.Minute)
	assert.Equal(t, "running", m.in("tess", "migrate", "start", m.plan).ok().get("state"))

	// Somebody stops it in the middle, and two persons let it go on.
	m.live(24*time.Hour, func() bool { return len(m.wiped()) > 1 })
	m.in("eve", "kill-switch", "on", "--reason", "what is this").ok()
	before := m.wiped()
	m.live(6*time.Hour, nil)
	assert.Equal(t, before, m.wiped(), "none leaves while the switch is thrown")
	stopped := m.in("tess", "migrate", "show", m.plan).ok()
	assert.Equal(t, "kill_switch", stopped.at("waiting", "why"))
	m.in("bob", "proposal", "approve", m.in("tess", "kill-switch", "off").proposed()).ok()

	m.live(5*24*time.Hour, func() bool {
		if m.fleet.Device("MAC7").State() == fleet.PINLocked {
			pin := m.in("tess", "migrate", "pin", m.plan, "mac7").ok()
			assert.Equal(t, "MAC7", pin.get("id"))
			assert.True(t, m.fleet.Device("MAC7").EnterPIN(pin.get("pin")))
		}
		return m.state() == "completed"
	})
	ended := m.in("tess", "migrate", "show", m.plan).ok()
	assert.Equal(t, "completed", ended.get("state"), "%v", ended.at("waiting_for"))
	assert.Equal(t, map[string][]string{
		"enrolled":         {"MAC1", "MAC2", "MAC3", "MAC5", "MAC6", "MAC7", "PHONE1", "PHONE2", "PHONE3"},
		"wipe_outstanding": {"MAC4"}, "needs_hands": {"PAD1"}, "reassigned": {"THERE1"},
	}, m.moves())
	for _, d := range m.fleet.Devices() {
		assert.LessOrEqual(t, d.Erases(), 1, d.Serial())
	}
	for serial, n := range m.wipes {
		assert.Equal(t, 1, n, serial)
		assert.Equal(t, "MAC", serial[:3], "%s has a gentler way", serial)
	}
	shown := m.cli("migrate", "show", m.plan).ok().out
	assert.Contains(t, shown, "of wipes: passed")
	assert.Contains(t, m.cli("migrate", "list").ok().out, "completed")
	m.cli("audit", "verify").ok()
	m.noSecretShows()
}

// noSecretShows looks through everything that was printed, and the store's file, for what opens something.
func (m *moving) noSecretShows() {
	m.t.Helper()
	lines := bytes.Split(m.read(m.path("api.pem")), []byte("\n"))
	everything := bytes.Join([][]byte{m.all.Bytes(), m.said.Bytes(), m.read(m.path("store.db"))}, nil)
	for name, secret := range map[string][]byte{"NanoMDM's key": []byte(nanoKey), "the webhook's key": []byte(hookKey), "the API's key": lines[1]} {
		require.Greater(m.t, len(secret), 10, name)
		assert.False(m.t, bytes.Contains(everything, secret), "%s shows", name)
	}
	shown := regexp.MustCompile(`.*"pin": ?"[0-9]+".*`).FindAllString(string(everything), -1)
	assert.Len(m.t, shown, 1, "a PIN shows where it was asked for, and nowhere else")
}
