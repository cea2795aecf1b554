package nanomdm_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// mdm is a real NanoMDM server with a webhook of ours behind it.
type mdm struct {
	url       string
	server    *nanomdm.Server
	sightings *nanomdm.MemorySightings
	events    chan enrollment.DeviceEvent
}

// program finds NanoMDM. Without it the test has nothing to test, which is no success where everything is installed.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("nanomdm")
	if err == nil {
		return path
	}
	const missing = "nanomdm is missing; go install github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// startMDM starts one that trusts the identities of an authority.
func startMDM(t *testing.T, name enrollment.MDMID, trusts authority, storage ...string) *mdm {
	t.Helper()
	m := &mdm{sightings: nanomdm.NewMemorySightings(0), events: make(chan enrollment.DeviceEvent, 100)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	m.url = "http://" + address
	m.server, err = nanomdm.NewServer(nanomdm.Options{BaseURL: m.url, APIKey: abmtoken.NewSecret(apiKey)})
	require.NoError(t, err)
	hook, err := nanomdm.NewWebhook(nanomdm.WebhookConfig{
		MDM: name, Tenant: "acme", Key: abmtoken.NewSecret(hmacKey), Sightings: m.sightings, Server: m.server,
		Deliver: func(_ context.Context, e enrollment.DeviceEvent) error { m.events <- e; return nil },
		Report:  func(_ context.Context, err error) { t.Errorf("%s: an event was refused: %v", name, err) },
	})
	require.NoError(t, err)
	listener := httptest.NewServer(hook)
	t.Cleanup(listener.Close)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusts.cert.Raw}), 0o600))
	if len(storage) == 0 {
		storage = []string{"-storage", "inmem", "-storage-dsn", ""}
	}
	args := append(storage, "-ca", ca, "-api", apiKey, "-listen", address, "-webhook-url", listener.URL, "-webhook-hmac-key", hmacKey)
	var log bytes.Buffer
	server := exec.Command(program(t), args...)
	server.Stdout, server.Stderr = &log, &log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	require.Eventually(t, func() bool {
		r, err := http.Get(m.url + "/version")
		if err != nil {
			return false
		}
		return r.Body.Close() == nil && r.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond, "nanomdm does not answer")
	return m
}

// event waits for what the webhook tells next.
func (m *mdm) event(t *testing.T) enrollment.DeviceEvent {
	t.Helper()
	select {
	case e := <-m.events:
		return e
	case <-time.After(20 * time.Second):
		require.Fail(t, "the webhook told nothing")
		return enrollment.DeviceEvent{}
	}
}

func (m *mdm) order(name string, device enrollment.Device) enrollment.Wipe {
	return enrollment.Wipe{
		Command: enrollment.WipeCommand("acme", name), Tenant: "acme", MDM: "old", Device: device,
		Options: enrollment.SafeWipe(device, false), NotAfter: time.Now().Add(30 * time.Second),
	}
}

// A device of a real server is wiped once, tells so, and enrolls at another one.
func TestARealServerWipesOnce(t *testing.T) {
	program(t)
	ca := newAuthority(t)
	old, replacement := startMDM(t, "old", ca), startMDM(t, "new", ca)
	d := ca.device(t, old.url)
	d.enroll(t)
	begun, enrolled := old.event(t), old.event(t)
	if begun.Kind == enrollment.DeviceEnrolled { // NanoMDM sends them side by side
		begun, enrolled = enrolled, begun
	}
	assert.Equal(t, enrollment.DeviceAuthenticated, begun.Kind)
	assert.Equal(t, serial, begun.Serial)
	assert.Equal(t, enrollment.DeviceEnrolled, enrolled.Kind)
	facts, err := nanomdm.NewReader(old.sightings, nil).DeviceFacts(t.Context(), "acme", "old", enrollment.Device{Serial: serial})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Device{Serial: serial, UDID: udid, Product: "Mac14,2", Family: enrollment.FamilyMac, OS: "26.1"}, facts.Device)
	assert.Equal(t, enrollment.Yes, facts.Managed)

	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(old.server), nil)
	d.queue(t, "DeviceInformation", "11111111-0000-4000-8000-000000000001")
	order := old.order("wipe/1", facts.Device)
	status, err := dispatcher.Wipe(t.Context(), order, enrollment.PIN{})
	require.NoError(t, err)
	assert.Equal(t, enrollment.WipeQueued, status.State)
	assert.Contains(t, status.Reason, "not woken", "this server has no push certificate")
	_, err = dispatcher.Wipe(t.Context(), order, enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrRepeated)
	can, err := dispatcher.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.False(t, can.RefusesRepeats, "not proven yet")

	next := d.connect(t, "Idle", "")
	assert.Equal(t, "DeviceInformation", next.Command["RequestType"], "what was queued before stays queued")
	next = d.connect(t, "Acknowledged", next.CommandUUID)
	assert.Equal(t, order.Command, next.CommandUUID)
	assert.Equal(t, map[string]any{"RequestType": "EraseDevice", "ObliterationBehavior": "DoNotObliterate"}, next.Command)
	d.connect(t, "NotNow", order.Command)
	assert.Equal(t, &enrollment.WipeAnswer{Command: order.Command, State: enrollment.WipeNotNow}, old.event(t).Wipe)
	next = d.connect(t, "Idle", "")
	assert.Equal(t, order.Command, next.CommandUUID, "what was put off is asked again")
	d.connect(t, "Acknowledged", order.Command)
	answer := old.event(t)
	assert.Equal(t, &enrollment.WipeAnswer{Command: order.Command, State: enrollment.WipeAcknowledged}, answer.Wipe)
	assert.Equal(t, serial, answer.Serial, "the answer names the UDID only; the check-in told the rest")

	can, err = dispatcher.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.True(t, can.RefusesRepeats, "an answered command is remembered")
	_, err = dispatcher.Wipe(t.Context(), order, enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrRepeated)
	assert.Empty(t, d.connect(t, "Idle", "").CommandUUID, "and nothing is queued again")

	d.url = replacement.url
	d.enroll(t)
	kinds := []enrollment.DeviceEventKind{replacement.event(t).Kind, replacement.event(t).Kind}
	assert.ElementsMatch(t, []enrollment.DeviceEventKind{enrollment.DeviceAuthenticated, enrollment.DeviceEnrolled}, kinds)
	assert.Empty(t, d.connect(t, "Idle", "").CommandUUID, "no wipe waits for it at the new MDM")
}

// micromdm#646, fleet#20869: a wipe that waited struck the device after it had been set up again.
func TestPain12_ARealServerDropsAWipeOfADeviceThatEnrollsAgain(t *testing.T) {
	program(t)
	for what, storage := range map[string][]string{"inmem": nil, "filekv": {"-storage", "filekv", "-storage-dsn", t.TempDir()}} {
		t.Run(what, func(t *testing.T) {
			ca := newAuthority(t)
			old := startMDM(t, "old", ca, storage...)
			d := ca.device(t, old.url)
			d.enroll(t)
			dispatcher := nanomdm.NewDispatcher(nanomdm.Only(old.server), nil)
			order := old.order("wipe/2", enrollment.Device{Serial: serial, UDID: udid, Family: enrollment.FamilyMac})
			_, err := dispatcher.Wipe(t.Context(), order, enrollment.PIN{})
			require.NoError(t, err)
			d.enroll(t)
			_, err = dispatcher.Wipe(t.Context(), order, enrollment.PIN{})
			require.ErrorIs(t, err, enrollment.ErrRepeated)
			assert.Empty(t, d.connect(t, "Idle", "").CommandUUID)
		})
	}
}

// Eight workers with one wipe at the same moment: a real server takes one, and its queue stays whole. A Mac that answers
// Error is not asked again.
func TestThreat15_EightWorkersQueueOneWipeAtARealServer(t *testing.T) {
	program(t)
	ca := newAuthority(t)
	old := startMDM(t, "old", ca)
	d := ca.device(t, old.url)
	d.enroll(t)
	device := enrollment.Device{Serial: serial, UDID: udid, Family: enrollment.FamilyMac}
	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(old.server), nil)
	for i := range 20 {
		order := old.order(fmt.Sprint("wipe/", i), device)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for n := range errs {
			wg.Go(func() { _, errs[n] = dispatcher.Wipe(t.Context(), order, enrollment.PIN{}) })
		}
		wg.Wait()
		taken := 0
		for _, err := range errs {
			if err == nil {
				taken++
				continue
			}
			require.ErrorIs(t, err, enrollment.ErrRepeated)
		}
		require.Equal(t, 1, taken)
		require.Equal(t, order.Command, d.connect(t, "Idle", "").CommandUUID)
		require.Empty(t, d.connect(t, "Error", order.Command).CommandUUID, "it was handed out again")
	}
}

// The deprecated file backend writes a command again that was answered, and so erases twice.
func TestARealServerThatForgetsIsRefused(t *testing.T) {
	program(t)
	ca := newAuthority(t)
	old := startMDM(t, "old", ca, "-storage", "file", "-storage-dsn", t.TempDir(), "-storage-options", "enable_deprecated=1")
	d := ca.device(t, old.url)
	d.enroll(t)
	device := enrollment.Device{Serial: serial, UDID: udid, Family: enrollment.FamilyMac}
	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(old.server), nil)
	_, err := dispatcher.Wipe(t.Context(), old.order("wipe/1", device), enrollment.PIN{})
	require.NoError(t, err)
	d.connect(t, "Acknowledged", d.connect(t, "Idle", "").CommandUUID)
	for old.event(t).Wipe == nil { // the answer has come
	}
	_, err = dispatcher.Wipe(t.Context(), old.order("wipe/1", device), enrollment.PIN{})
	require.ErrorIs(t, err, nanomdm.ErrForgetful)
	assert.Empty(t, d.connect(t, "Idle", "").CommandUUID)
}
