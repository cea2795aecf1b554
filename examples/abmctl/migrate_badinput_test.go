package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// untouchedPlans checks that no plan is under way after something was refused.
func (m *moving) untouchedPlans() {
	m.t.Helper()
	for _, p := range m.in("tess", "migrate", "list").ok().objects() {
		assert.Equal(m.t, "cancelled", p["state"], "%v", p["id"])
	}
	assert.Empty(m.t, m.wiped())
}

// A plan that cannot be is refused before anything of it is stored, and the message says what to do.
func TestPlansThatAreRefused(t *testing.T) {
	m := newMoving(t)
	m.macs(1)
	empty, bare, rejected := m.from.addServer("Empty"), m.from.addServer("Bare").withToken(), m.from.addServer("Rejected").withToken()
	rejected.download("another.p7m") // the token in use is dead from now on
	rejected.json("server", "check", rejected.server).fails(9)
	list := m.write("d.csv", []byte("serial\nMAC1\n"))
	plan := func(from, to string, more ...string) result {
		return m.in("tess", append([]string{"migrate", "plan", "--from", from, "--to", to, "--devices", list}, more...)...)
	}
	profile := []string{"--profile", m.profile}
	from, to := m.from.server, m.to.server
	for name, c := range map[string]struct {
		status int
		code   string
		got    result
	}{
		"to itself":             {2, "same_server", plan(from, from, profile...)},
		"without token":         {8, "target_without_token", plan(from, empty.server, profile...)},
		"with a rejected token": {9, "target_token_rejected", plan(from, rejected.server, profile...)},
		"without a profile":     {8, "target_no_profile", plan(from, bare.server)},
		"to nobody":             {1, "not_found", plan(from, "srv_x", profile...)},
		"from nobody":           {1, "not_found", plan("srv_x", to, profile...)},
		"a wipe while off":      {8, "wipes_off", plan(from, to, append(profile, "--strategy", "wipe")...)},
		"to itself, dry":        {2, "same_server", plan(from, from, append(profile, "--dry-run")...)},
		"without token, dry":    {8, "target_without_token", plan(from, empty.server, append(profile, "--dry-run")...)},
		"too soon":              {2, "invalid_input", plan(from, to, append(profile, "--deadline", "1h")...)},
		"too late":              {2, "invalid_input", plan(from, to, append(profile, "--deadline", "100d")...)},
		"no such file":          {2, "invalid_input", plan(from, to, append(profile, "--devices", m.path("gone"))...)},
		"all of nobody":         {2, "invalid_input", m.in("tess", "migrate", "plan", "--to", to, "--all")},
		"all and a list":        {2, "invalid_input", plan(from, to, "--all")},
		"neither":               {2, "invalid_input", m.in("tess", "migrate", "plan", "--from", from, "--to", to)},
		"another way":           {2, "invalid_input", plan(from, to, append(profile, "--strategy", "burn")...)},
		"nothing plugged in":    {8, "refused", m.as("tess", "migrate", "plan", "--from", from, "--to", to, "--profile", m.profile, "--devices", list, "--strategy", "wipe")},
		"to a retired one":      {8, "server_retired", m.toRetired(list)},
		"another's plan":        {1, "not_found", m.in("tess", "migrate", "plan", "--from", from, "--to", to, "--devices", list, "--plan", "pln_x")},
	} {
		assert.Equal(t, c.code, c.got.fails(c.status).code(), name)
	}
	assert.Empty(t, m.in("tess", "migrate", "list").ok().objects())
}

func (m *moving) toRetired(list string) result {
	m.t.Helper()
	retired := m.from.addServer("Retired")
	m.in("tess", "server", "retire", retired.server).ok()
	return m.in("tess", "migrate", "plan", "--from", m.from.server, "--to", retired.server, "--profile", m.profile, "--devices", list)
}

// A list that is none is refused as a whole; of one that is, each row with a problem is told of, with its line.
func TestListsOfDevicesThatAreRefused(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(2)
	m.device(fleet.Spec{Serial: "MAC9", OS: "15.5", NotCapable: true})
	other := m.newCustomer("acme", "Other MDM")
	other.org.AddDevices(appletest.Device{Serial: "FOREIGN1"})
	for name, text := range map[string]string{
		"empty":          "",
		"no header":      "MAC1\nMAC2\n",
		"a picture":      "\x89PNG\r\n\x1a\n\x00\x00",
		"two headers":    "serial,serial\nMAC1,MAC1\n",
		"an open quote":  "serial,note\nMAC1,\"x\nMAC2,y\n",
		"an endless row": "serial,note\nMAC1," + strings.Repeat("x", 70<<10) + "\n",
	} {
		got := m.draft("--devices", m.write("bad.csv", []byte(text)))
		assert.Equal(t, "invalid_input", got.fails(2).code(), name)
		assert.Contains(t, got.err, "of no use", name)
		got = m.draft("--dry-run", "--devices", m.write("bad.csv", []byte(text)))
		assert.Equal(t, "invalid_input", got.fails(2).code(), name)
	}
	got := m.draft("--devices", m.write("foreign.csv", []byte("serial\nFOREIGN1\nX9\n")))
	assert.Equal(t, "refused", got.fails(8).code(), "no device is left")
	assert.Len(t, got.at("rows"), 2)
	m.untouchedPlans()

	list := m.write("mixed.csv", []byte("\ufeffSerial,udid,product_family,os_version,note\r\n"+
		"mac1,,,,kept\r\n\r\nMAC1,,,,twice\r\n??,,,,\r\nMAC2,,Toaster,,\r\n,,,,nobody\r\nFOREIGN1,,,,\r\nMAC9,,,,,too,many\r\n"))
	draft := m.draft("--devices", list).ok()
	lines := map[any]string{}
	for _, row := range draft.at("rows").([]any) {
		fields := row.(map[string]any)
		lines[fields["line"]] = fields["problem"].(map[string]any)["title"].(string)
	}
	assert.Len(t, lines, 6)
	for line, says := range map[any]string{
		4.0: "in line 2 already", 5.0: "no serial number", 6.0: "no product family", 7.0: "no serial number", 8.0: "no such device", 9.0: "more columns",
	} {
		assert.Contains(t, lines[line], says, "line %v", line)
	}
	assert.EqualValues(t, 6, draft.at("refused"))
	again := m.draft("--devices", list)
	assert.Equal(t, "refused", again.fails(8).code(), "another plan moves it already")
	assert.Contains(t, again.out, "cancel it there first")
}

// While Apple does not answer the plan waits, and its list goes on where it was.
func TestAListGoesOnWhenAppleIsBack(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(2)
	end := m.apple.Fail(appletest.Fault{Kind: appletest.Down})
	got := m.draft("--all")
	assert.Equal(t, "apple_unreachable", got.fails(10).code())
	assert.Contains(t, got.err, "--plan "+got.get("plan"))
	end()
	on := m.draft("--all", "--plan", got.get("plan")).ok()
	assert.Equal(t, got.get("plan"), on.get("id"))
	assert.EqualValues(t, 2, on.at("listing", "wipes"))
	m.draft("--all", "--plan", on.get("id")).fails(8)
	assert.Equal(t, "drafting", m.state(), "what it has stays")
	assert.Equal(t, "not_found", m.in("tess", "migrate", "moves", "pln_x").fails(1).code())
}

// What stands against a wipe is told device by device, and never becomes a wipe.
func TestWhyADeviceCannotBeWiped(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(1)
	m.device(fleet.Spec{Serial: "PAD1", Family: "ipad", OS: "17.4", SharedIPad: true})
	m.fleet.AddDevice(m.from.org, fleet.Spec{Serial: "NEW1", OS: "15.1"}) // no MDM has ever heard of it
	require.NoError(t, m.from.admin.Assign(m.from.service, "NEW1"))
	reasons := func(more ...string) map[string][]string {
		out := map[string][]string{}
		dry := m.draft(append([]string{"--all", "--dry-run"}, more...)...).ok()
		for _, d := range dry.at("devices").([]any) {
			fields := d.(map[string]any)
			codes := []string{fields["strategy"].(string)}
			for _, r := range fields["reasons"].([]any) {
				codes = append(codes, r.(map[string]any)["code"].(string))
				assert.NotEmpty(t, r.(map[string]any)["text"])
			}
			out[fields["id"].(string)] = codes
		}
		return out
	}
	all := reasons()
	assert.Equal(t, "wipe", all["MAC1"][0])
	assert.Equal(t, []string{"hands", "shared_ipad"}, all["PAD1"][:2])
	assert.Equal(t, "hands", all["NEW1"][0], "%v", all["NEW1"])
	assert.Equal(t, "wipe", reasons("--accept-shared-ipads")["PAD1"][0])
	lost := reasons("--mdm-reached", "no")["MAC1"]
	assert.Equal(t, "hands", lost[0])
	assert.Contains(t, lost, "not_reached")
	assert.Equal(t, []string{"reassign", "mdm_stays"}, reasons("--mdm-changes", "no")["MAC1"][:2])

	// A device of which the list has the enrollment ID, and no check-in came by: nobody knows whether it is managed.
	list := m.write("d.csv", []byte("serial,udid,os_version\nNEW1,0F2B-1,15.1\n"))
	dry := m.draft("--devices", list, "--dry-run").ok()
	row := dry.at("devices").([]any)[0].(map[string]any)
	assert.Equal(t, "0F2B-1", row["device"].(map[string]any)["udid"])
	assert.Contains(t, m.cli("migrate", "plan", "--from", m.from.server, "--to", m.to.server, "--profile", m.profile, "--devices", list,
		"--dry-run").ok().out, "It is not known whether the present MDM manages it")
}

// The expired push certificate of the old MDM keeps every wipe back: no command reaches a device.
func TestAnExpiredPushCertificateOfTheOldMDM(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(1)
	m.importPush(10)
	way := func() (string, string) {
		dry := m.in("tess", "migrate", "plan", "--from", m.from.server, "--to", m.to.server, "--profile", m.profile, "--all", "--dry-run").ok()
		d := dry.at("devices").([]any)[0].(map[string]any)
		return d["strategy"].(string), dry.out
	}
	strategy, _ := way()
	assert.Equal(t, "wipe", strategy)
	m.pass(11 * 24 * time.Hour)
	strategy, out := way()
	assert.Equal(t, "hands", strategy)
	assert.Contains(t, out, "not_reached")
}

// A server that is lost with its token: its devices are found by the API account, or given as a list.
func TestTheTokenOfTheOldServerIsLost(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(2)
	list := m.write("d.csv", []byte("serial\nMAC1\n"))
	m.from.download("lost.p7m") // the token in use is dead from now on
	for _, flags := range [][]string{{"--all"}, {"--all", "--dry-run"}, {"--devices", list}} {
		got := m.draft(flags...).fails(9)
		assert.Equal(t, "token_rejected", got.code(), "%v", flags)
		assert.Contains(t, got.err, "api-account add", "%v", flags)
		assert.Contains(t, got.err, "leave --from out", "%v", flags)
	}
	gone := m.in("tess", "migrate", "plan", "--to", m.to.server, "--devices", list, "--mdm-reached", "yes", "--dry-run").ok()
	assert.Equal(t, map[string]any{"wipe": 1.0}, gone.at("ways"))

	m.withAPI()
	assert.Equal(t, map[string]any{"wipe": 2.0}, m.draft("--all", "--dry-run").ok().at("ways"))
	assert.EqualValues(t, 2, m.draft("--all").ok().at("listing", "wipes"))
	m.in("tess", "server", "retire", m.from.server).ok()
	assert.Equal(t, map[string]any{"wipe": 2.0}, m.draft("--all", "--dry-run").ok().at("ways"))
}
