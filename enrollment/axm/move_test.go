package axm_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// ended lets time pass until an activity has ended.
func (w *world) ended(t testing.TB, c *axm.Client, a axm.Activity, err error) axm.Activity {
	t.Helper()
	require.NoError(t, err)
	for range 10 {
		if a.Ended() {
			return a
		}
		w.clock.Pass(time.Minute)
		a, err = c.Activity(t.Context(), a.ID)
		require.NoError(t, err)
	}
	t.Fatal("the activity does not end")
	return a
}

// depClient is a client of the device assignment service for the new service.
func (w *world) depClient(t testing.TB) *dep.Client {
	t.Helper()
	file, _, err := w.admin.DownloadToken(w.to)
	require.NoError(t, err)
	token, _, err := abmtoken.Open(file, w.apple.Now(), w.keys)
	require.NoError(t, err)
	c, err := dep.NewClient(abmtoken.Static(token), dep.Options{Transport: w.apple.Transport(), Now: w.clock.Now})
	require.NoError(t, err)
	return c
}

// What the API assigns, the new service sees through its own web service, as added.
func TestDevicesThatTheAPIAssignsArriveAtTheirService(t *testing.T) {
	w := newWorld(t, appletest.API{ActivityLag: 2 * time.Minute})
	c, d := w.client(t, axm.Options{}), w.depClient(t)
	serials := w.devices(t, 3)
	var cursor string
	for page, err := range d.FetchDevices(t.Context(), dep.From{}) {
		require.NoError(t, err)
		require.Empty(t, page.Devices)
		cursor = page.Cursor
	}

	a, err := c.Assign(t.Context(), w.to.UUID(), serials[:2]...)
	require.NoError(t, err)
	assert.Equal(t, axm.InProgress, a.Status)
	assert.False(t, a.HasLog(), "an activity that goes on has no log")
	assert.Equal(t, axm.Completed, w.ended(t, c, a, nil).Status)

	var added []string
	for page, err := range d.SyncDevices(t.Context(), dep.From{Cursor: cursor}) {
		require.NoError(t, err)
		for _, device := range page.Devices {
			assert.Equal(t, dep.OpAdded, device.Op)
			added = append(added, device.Serial)
		}
	}
	assert.ElementsMatch(t, serials[:2], added)
	for serial, want := range map[string]string{serials[0]: w.to.UUID(), serials[2]: w.from.UUID(), "NOBODYS": ""} {
		got, err := c.AssignedServer(t.Context(), serial)
		require.NoError(t, err)
		assert.Equal(t, want, got, serial)
	}
	back, err := all(c.ServerSerials(t.Context(), w.to.UUID()))
	require.NoError(t, err)
	assert.Equal(t, serials[:2], back)
}

func TestAMigrationIsSetHurriedAndCancelled(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	serials := w.devices(t, 2) // only the first can migrate
	deadline := w.clock.Now().Add(30 * 24 * time.Hour)
	a, err := c.AssignWithDeadline(t.Context(), w.to.UUID(), deadline, serials...)
	a = w.ended(t, c, a, err)
	assert.Equal(t, axm.AssignWithDeadline, a.Type)
	rows, err := all(c.ActivityLog(t.Context(), a))
	require.NoError(t, err)
	require.Len(t, rows, 2)
	assert.Equal(t, "FAILED", rows[1].Status)
	assert.Equal(t, "NOT_MIGRATION_CAPABLE", rows[1].Reason)
	look := func() axm.Device {
		d, err := c.Device(t.Context(), serials[0])
		require.NoError(t, err)
		return d
	}
	assert.Equal(t, "REQUESTED", look().MigrationStatus)
	assert.Equal(t, deadline, look().MigrationDeadline)
	require.NotNil(t, look().MigrationCapable)
	assert.True(t, *look().MigrationCapable)

	soon := w.clock.Now().Add(time.Hour)
	a, err = c.UpdateDeadline(t.Context(), soon, serials[0])
	w.ended(t, c, a, err)
	assert.Equal(t, soon, look().MigrationDeadline)
	a, err = c.CancelMigration(t.Context(), serials[0])
	w.ended(t, c, a, err)
	assert.Zero(t, look().MigrationDeadline)
	back, err := c.AssignedServer(t.Context(), serials[0])
	require.NoError(t, err)
	assert.Equal(t, w.from.UUID(), back, "a cancelled migration gives the device back")

	_, err = c.AssignWithDeadline(t.Context(), w.to.UUID(), w.clock.Now().Add(91*24*time.Hour), serials[0])
	require.ErrorIs(t, err, axm.ErrInput)
	_, err = c.AssignWithDeadline(t.Context(), w.to.UUID(), time.Time{}, serials[0])
	require.ErrorIs(t, err, axm.ErrInput)
}

func TestDevicesLeaveAService(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	serials := w.devices(t, 2)
	a, err := c.Unassign(t.Context(), w.from.UUID(), serials[0])
	w.ended(t, c, a, err)
	left, err := all(c.ServerSerials(t.Context(), w.from.UUID()))
	require.NoError(t, err)
	assert.Equal(t, serials[1:], left)
	w.apple.Change(func(b *appletest.Behavior) { b.EmptyAssignedServer = true })
	none, err := c.AssignedServer(t.Context(), serials[0])
	require.NoError(t, err)
	assert.Empty(t, none, "an empty ID is no service")
	w.org.Release(serials[0])
	d, err := c.Device(t.Context(), serials[0])
	require.NoError(t, err)
	assert.False(t, d.Released.IsZero())
}

func TestAnActivityThatIsStoppedOrFailsIsSaidSo(t *testing.T) {
	for end, want := range map[string]enrollment.ActivityState{"STOPPED": enrollment.ActivityStopped, "FAILED": enrollment.ActivityFailed} {
		w := newWorld(t, appletest.API{ActivityEnd: end})
		a, err := w.organizations(t).Assign(t.Context(), enrollment.AssignmentRequest{
			Kind: enrollment.AssignDevices, Service: service(w.to), Serials: w.devices(t, 1),
		})
		require.NoError(t, err)
		a, err = w.organizations(t).Activity(t.Context(), "acme", a.ID)
		require.NoError(t, err)
		assert.Equal(t, want, a.State)
	}
}

// Asbmutil's users saw activities complete over serial numbers that nobody has.
func TestPain39_ACompletedActivityProvesNothing(t *testing.T) {
	w := newWorld(t, appletest.API{SilentUnknownSerials: true, AssignmentLag: 20 * time.Second})
	c, ports := w.client(t, axm.Options{}), w.organizations(t)
	serials := append(w.devices(t, 1), "NOBODYS")
	a, err := c.Assign(t.Context(), w.to.UUID(), serials...)
	a = w.ended(t, c, a, err)
	require.Equal(t, axm.Completed, a.Status)
	require.Equal(t, "COMPLETED_WITH_SUCCESS", a.SubStatus)
	is := func() (out []enrollment.Known) {
		seen, err := ports.Lookup(t.Context(), service(w.to), serials)
		require.NoError(t, err)
		for _, d := range seen {
			out = append(out, d.Assigned)
		}
		return out
	}
	assert.Equal(t, []enrollment.Known{enrollment.Yes, enrollment.No}, is(), "the minute that passed was longer than the lag")

	w.apple.Change(func(b *appletest.Behavior) { b.AssignmentLag = time.Hour })
	a, err = c.Assign(t.Context(), w.from.UUID(), serials...)
	require.Equal(t, axm.Completed, w.ended(t, c, a, err).Status)
	assert.Equal(t, enrollment.Yes, is()[0], "it has not moved yet, whatever the activity says")
}

// Each device of a failed assignment is named, with Apple's word.
func TestWhatApplesLogSaysReachesThePort(t *testing.T) {
	w := newWorld(t, appletest.API{})
	ports := w.organizations(t)
	a, err := ports.Assign(t.Context(), enrollment.AssignmentRequest{
		Kind: enrollment.AssignDevices, Service: service(w.to), Serials: append(w.devices(t, 1), "NOBODYS"),
	})
	require.NoError(t, err)
	a, err = ports.Activity(t.Context(), "acme", a.ID)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.DeviceResult{{Serial: "NOBODYS", Outcome: enrollment.Retry, Reason: "DEVICE_NOT_FOUND"}}, a.Refused)
}

func TestWhatTheOrganizationShowsOfADevice(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 2)
	seen, err := all(w.organizations(t).Devices(t.Context(), service(w.from)))
	require.NoError(t, err)
	require.Len(t, seen, 2)
	assert.Equal(t, enrollment.AssignedDevice{
		Device:   enrollment.Device{Serial: serials[0], Model: "Mac", Product: "Mac14,2", Family: enrollment.FamilyMac},
		Assigned: enrollment.Yes, Server: service(w.from).Server, Service: w.from.UUID(), Capable: enrollment.Yes, ObservedAt: w.clock.Now(),
	}, seen[0])
	assert.Equal(t, enrollment.No, seen[1].Capable)
}

// That a service was deleted is told from one that the organization never had. Nothing is sent then.
func TestAServiceThatWasDeletedIsTold(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 1)
	ports := w.organizations(t)
	_, err := ports.Lookup(t.Context(), service(w.to), serials)
	require.NoError(t, err)
	w.to.Delete()
	_, err = ports.Lookup(t.Context(), service(w.to), serials)
	require.ErrorIs(t, err, enrollment.ErrServiceGone)
	outcome, _ := enrollment.Asked(err)
	assert.Equal(t, enrollment.Retry, outcome, "what is to become of its devices a person says")
}

// Apple lists services that were deleted as such. A new one may have the name of one.
func TestAServiceThatIsListedAsDeletedIsGone(t *testing.T) {
	c := answering(t, text(http.StatusOK, `{"data":[
		{"type":"mdmServers","id":"0123456789ABCDEF0123456789ABCDEF","attributes":{"serverName":"Acme MDM","status":"DELETED"}}
	],"links":{"self":"x"}}`), axm.Options{})
	ports := axm.NewOrganizations(func(context.Context, enrollment.TenantID) (*axm.Client, error) { return c, nil })
	s := enrollment.Service{Tenant: "acme", UUID: "0123456789ABCDEF0123456789ABCDEF", Name: "Acme MDM"}
	_, err := ports.Lookup(t.Context(), s, []string{"C02T00001"})
	require.ErrorIs(t, err, enrollment.ErrServiceGone)
	s.UUID = "FEDCBA9876543210FEDCBA9876543210"
	_, err = ports.Lookup(t.Context(), s, []string{"C02T00001"})
	require.ErrorIs(t, err, axm.ErrNoServer, "one that has gone is not another one by its name")
}

// A service that the account's organization does not have may be another customer's.
func TestThreat11_AServiceOfAnotherOrganizationIsNotAssignedTo(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 1)
	other := service(w.to)
	other.UUID, other.Name = "0123456789ABCDEF0123456789ABCDEF", "Somebody else's MDM"
	_, err := w.organizations(t).Assign(t.Context(), enrollment.AssignmentRequest{Kind: enrollment.AssignDevices, Service: other, Serials: serials})
	require.ErrorIs(t, err, axm.ErrNoServer)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Retry, outcome, "nothing was sent")
	assert.Equal(t, 0, w.apple.Count("POST", "/v1/orgDeviceActivities"))

	other.Name = w.to.Name() // Apple does not say that the IDs are equal; names are unique
	_, err = w.organizations(t).Assign(t.Context(), enrollment.AssignmentRequest{Kind: enrollment.AssignDevices, Service: other, Serials: serials})
	require.NoError(t, err)
	assert.Equal(t, w.to, w.org.AssignedTo(serials[0]))
}
