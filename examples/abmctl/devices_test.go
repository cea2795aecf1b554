package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// withDevices assigns devices to the customer's service.
func (c *customer) withDevices(devices ...appletest.Device) *customer {
	c.w.t.Helper()
	var serials []string
	for _, d := range devices {
		c.org.AddDevices(d)
		serials = append(serials, d.Serial)
	}
	require.NoError(c.w.t, c.admin.Assign(c.service, serials...))
	return c
}

func someStore(t *testing.T) (storage.Store, storage.Sealer) {
	t.Helper()
	store := memory.New(time.Now)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	return store, sealer
}

func TestDevices(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken().withDevices(
		appletest.Device{Serial: "C02A", Family: "Mac", Model: "MacBook Air", Migrates: true}, appletest.Device{Serial: "C02B", Family: "iPad"})
	missing := acme.json("devices", "list", acme.server).fails(1)
	assert.Contains(t, missing.err, "devices sync")
	synced := acme.json("devices", "sync", acme.server).ok().object()
	assert.EqualValues(t, 2, synced["devices"])
	assert.Equal(t, false, synced["api_account"])

	acme.withAccount()
	synced = acme.api("devices", "sync", acme.server).ok().object()
	assert.EqualValues(t, 1, synced["migration_capable"])
	rows := acme.json("devices", "list", acme.server).ok().objects()
	require.Len(t, rows, 2)
	assert.Equal(t, []any{"C02A", acme.server, "yes", "mac"}, []any{rows[0]["id"], rows[0]["server"], rows[0]["capable"], rows[0]["family"]})
	assert.Equal(t, "no", rows[1]["capable"])
	assert.Contains(t, acme.cli("devices", "list", acme.server).ok().out, "MacBook Air")

	// What the old MDM has told stands beside it, and the CSV is what a plan takes.
	h := &host{flags: flags{Store: w.path("store.db"), DEPURL: w.url, Quiet: true}, process: process{err: &w.all, now: w.now}}
	require.NoError(t, h.open(t.Context(), needs))
	_, _, err := h.sightings.Saw(t.Context(), "acme", nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{
		Device: enrollment.Device{UDID: "0000-1", Serial: "C02A"}, MDM: oldMDM, LastSeen: w.now(), Managed: enrollment.Yes,
	}})
	require.NoError(t, err)
	csv := acme.cli("devices", "list", acme.server, "--csv").ok().out
	var read []enrollment.ListedDevice
	for d, err := range enrollment.ReadDevices(strings.NewReader(csv)) {
		require.NoError(t, err)
		read = append(read, d)
	}
	require.Len(t, read, 2)
	assert.Equal(t, "0000-1", read[0].Device.UDID)
	assert.Equal(t, "yes", read[0].Other["migration_capable"])

	// A device that is gone is gone, another one comes.
	acme.org.Release("C02A")
	acme.withDevices(appletest.Device{Serial: "C02C", Family: "iPhone"})
	acme.api("devices", "sync", acme.server).ok()
	rows = acme.json("devices", "list", acme.server).ok().objects()
	require.Len(t, rows, 2)
	assert.Equal(t, []any{"C02B", "C02C"}, []any{rows[0]["id"], rows[1]["id"]})

	acme.cli("offboard", "acme").ok()
	for _, kind := range ownKinds() {
		records, err := h.store.List(t.Context(), storage.Query{Kind: kind, AllTenants: true, Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, records, kind)
	}
}

// A sync that breaks off leaves the list as it was, and says whose trouble it is.
func TestDevicesSyncFails(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM")
	assert.Contains(t, acme.json("devices", "sync", acme.server).fails(8).err, "renew upload")
	acme.withToken().withDevices(appletest.Device{Serial: "C02A", Family: "Mac"})
	acme.json("devices", "sync", acme.server).ok()
	acme.json("devices", "sync", "nobody").fails(1)
	end := w.apple.Fail(appletest.Fault{Kind: appletest.Down})
	assert.Equal(t, "apple_unreachable", acme.json("devices", "sync", acme.server).fails(10).code())
	end()
	acme.org.RequireTerms()
	assert.Equal(t, "terms_pending", acme.json("devices", "sync", acme.server).fails(9).code())
	require.NoError(t, acme.org.AcceptTerms(acme.admin))
	acme.admin.ChangePassword()
	w.pass(time.Hour)
	assert.Equal(t, "token_rejected", acme.json("devices", "sync", acme.server).fails(9).code())
	assert.Equal(t, "rejected", acme.json("server", "show", acme.server).ok().get("health"), "the library hears of it")
	assert.Len(t, acme.json("devices", "list", acme.server).ok().objects(), 1)
	acme.json("server", "retire", acme.server).ok()
	assert.Equal(t, "server_retired", acme.json("devices", "sync", acme.server).fails(8).code())
}

// Of a list that breaks off nothing is dropped, and more devices than one write takes are kept.
func TestDeviceStore(t *testing.T) {
	devices := newDeviceStore(someStore(t))
	service := enrollment.Service{Tenant: "acme", Server: "srv_1"}
	list := func(n int, end error) func(func(enrollment.AssignedDevice, error) bool) {
		return func(yield func(enrollment.AssignedDevice, error) bool) {
			for i := range n {
				d := enrollment.AssignedDevice{Device: enrollment.Device{Serial: "C" + strings.Repeat("A", i/26) + string(rune('A'+i%26))}}
				for range 2 { // Apple may show a device twice
					if !yield(d, nil) {
						return
					}
				}
			}
			if end != nil {
				yield(enrollment.AssignedDevice{}, end)
			}
		}
	}
	count := func() (n int) {
		for _, err := range devices.list(t.Context(), "acme", "srv_1") {
			require.NoError(t, err)
			n++
		}
		return n
	}
	kept, err := devices.replace(t.Context(), service, time.Now().UTC(), false, list(1300, nil))
	require.NoError(t, err)
	assert.Equal(t, 1300, kept.Devices)
	_, err = devices.replace(t.Context(), service, time.Now().UTC(), false, list(10, context.Canceled))
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1300, count())
	last, err := devices.last(t.Context(), "acme", "srv_1")
	require.NoError(t, err)
	assert.Equal(t, kept, last)
	_, err = devices.replace(t.Context(), service, time.Now().UTC(), false, list(3, nil))
	require.NoError(t, err)
	assert.Equal(t, 3, count())
}
