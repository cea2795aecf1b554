package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
