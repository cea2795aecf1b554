package dep_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
)

func TestServicesAreAProfileAssigner(t *testing.T) {
	enrollmenttest.RunProfileAssigner(t, func(t testing.TB) enrollmenttest.ProfileAssignerRig {
		w, c, ports, s := services(t, appletest.Options{})
		return enrollmenttest.ProfileAssignerRig{
			Assigner: ports, Service: s, Profile: profile(t, c), Serials: w.devices(t, 3), Unknown: "C02NOBODY",
			ProfileOf: func(serial string) string {
				details, err := c.DeviceDetails(t.Context(), serial)
				require.NoError(t, err)
				return details[0].Device.ProfileUUID
			},
		}
	})
}

func TestServicesAreAProfileReader(t *testing.T) {
	enrollmenttest.RunProfileReader(t, func(t testing.TB) enrollmenttest.ProfileReaderRig {
		_, c, ports, s := services(t, appletest.Options{})
		return enrollmenttest.ProfileReaderRig{Reader: ports, Service: s, Profile: profile(t, c), Unknown: "0123456789ABCDEF0123456789ABCDEF"}
	})
}

func TestServicesAreADeviceLister(t *testing.T) {
	enrollmenttest.RunDeviceLister(t, func(t testing.TB) enrollmenttest.DeviceListerRig {
		w, _, ports, s := services(t, appletest.Options{Behavior: appletest.Behavior{PageMax: 2}})
		w.org.AddDevices(appletest.Device{Serial: "C02ELSEWHERE"})
		return enrollmenttest.DeviceListerRig{Lister: ports, Service: s, Serials: w.devices(t, 5), Elsewhere: "C02ELSEWHERE"}
	})
}

// services is a world whose service a host knows as "srv_1".
func services(t testing.TB, o appletest.Options) (*world, *dep.Client, *dep.Services, enrollment.Service) {
	t.Helper()
	w := newWorld(t, o)
	c := w.client(t, dep.Options{Now: o.Now})
	ports := dep.NewServices(func(context.Context, enrollment.Service) (*dep.Client, error) { return c, nil })
	return w, c, ports, enrollment.Service{Tenant: "acme", Server: "srv_1", UUID: w.service.UUID(), Name: "Acme MDM"}
}

// A wipe may follow only what the new service itself shows: the assignment of each serial number, and its profile.
func TestPain36_AProfileCountsOnceItIsReadBack(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	w, c, ports, s := services(t, appletest.Options{Now: func() time.Time { return now }})
	uuid := profile(t, c)
	serials := w.devices(t, 2)
	w.org.AddDevices(appletest.Device{Serial: "C02STRANGER"})
	asked := []string{"C02STRANGER", serials[1], "C02NOBODY", serials[0]}

	results, err := ports.AssignProfile(t.Context(), s, uuid, asked)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.DeviceResult{
		{Serial: "C02STRANGER", Outcome: enrollment.Fatal, Reason: "NOT_ACCESSIBLE"},
		{Serial: serials[1], Outcome: enrollment.OK},
		{Serial: "C02NOBODY", Outcome: enrollment.Fatal, Reason: "NOT_ACCESSIBLE"},
		{Serial: serials[0], Outcome: enrollment.OK},
	}, results)

	seen, err := ports.Lookup(t.Context(), s, asked)
	require.NoError(t, err)
	require.Len(t, seen, len(asked))
	for i, d := range seen {
		assert.Equal(t, asked[i], d.Serial, "one for each, in their order")
		assert.Equal(t, now, d.ObservedAt)
		ours := slices.Contains(serials, d.Serial)
		assert.Equal(t, ours, d.Assigned == enrollment.Yes, d.Serial)
		assert.Equal(t, !ours, d.Assigned == enrollment.No, d.Serial)
		assert.Equal(t, ours, d.HasProfile(uuid), d.Serial)
		assert.Equal(t, ours, d.Server == "srv_1" && d.Service == w.service.UUID(), d.Serial)
	}
	assert.Equal(t, enrollment.FamilyMac, seen[1].Family)
	assert.Empty(t, seen[1].OS, "Apple's os is a platform and no version")
	assert.Equal(t, enrollment.NotKnown, seen[1].Capable, "this service does not tell")

	require.NoError(t, w.admin.Assign(w.service, serials[0]))
	seen, err = ports.Lookup(t.Context(), s, serials[:1])
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, seen[0].Assigned)
	assert.False(t, seen[0].HasProfile(uuid), "assigning it again took the profile away")
	assert.Equal(t, enrollment.ProfileRemoved, seen[0].ProfileStatus)
}

// A device that has fetched the profile in Setup Assistant says when, and one that is to migrate by when.
func TestWhatAServiceShowsOfADevice(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	w, c, ports, s := services(t, appletest.Options{Now: func() time.Time { return now }})
	uuid := profile(t, c)
	serial := w.devices(t, 1)[0]
	deadline := now.AddDate(0, 0, 30)
	require.NoError(t, w.admin.AssignWithDeadline(w.service, deadline, serial))
	_, err := ports.AssignProfile(t.Context(), s, uuid, []string{serial})
	require.NoError(t, err)
	require.True(t, w.org.FetchProfile(serial))

	seen, err := ports.Lookup(t.Context(), s, []string{serial})
	require.NoError(t, err)
	assert.Equal(t, enrollment.AssignedDevice{
		Device:   enrollment.Device{Serial: serial, Model: "Mac", Family: enrollment.FamilyMac},
		Assigned: enrollment.Yes, Server: "srv_1", Service: w.service.UUID(),
		Profile: uuid, ProfileStatus: enrollment.ProfilePushed, ProfileAssigned: now, ProfilePushed: now,
		MigrationDeadline: deadline, ObservedAt: now,
	}, seen[0])
}

// Throttled devices, and only those, are asked for again, after the time that Apple names.
func TestThrottledDevicesAreWorthAnotherAttempt(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	w, c, ports, s := services(t, appletest.Options{Now: func() time.Time { return now }})
	uuid := profile(t, c)
	serials := w.devices(t, 2)
	w.org.ThrottleAssignments(90*time.Second, serials[1])

	results, err := ports.AssignProfile(t.Context(), s, uuid, serials)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.DeviceResult{
		{Serial: serials[0], Outcome: enrollment.OK},
		{Serial: serials[1], Outcome: enrollment.Retry, RetryAfter: 90 * time.Second, Reason: "THROTTLED"},
	}, results)
}

// Statuses that nobody knows say neither yes nor no.
func TestAnAnswerThatSaysNothingAboutADevice(t *testing.T) {
	service := enrollment.Service{Tenant: "acme", Server: "srv_1"}
	of := func(body string) *dep.Services {
		c := answering(t, text(200, body), dep.Options{})
		return dep.NewServices(func(context.Context, enrollment.Service) (*dep.Client, error) { return c, nil })
	}
	for _, body := range []string{
		`{"devices":{}}`, `{"devices":{"A1":{"serial_number":"A1","response_status":"FAILED"}}}`,
		`{"devices":{"A1":{"serial_number":"A1","response_status":"SOMETHING_NEW"}}}`,
	} {
		seen, err := of(body).Lookup(t.Context(), service, []string{"A1"})
		require.NoError(t, err)
		require.Len(t, seen, 1)
		assert.Equal(t, "A1", seen[0].Serial)
		assert.Equal(t, enrollment.NotKnown, seen[0].Assigned, body)
	}
	for _, body := range []string{`{"devices":{}}`, `{"devices":{"A1":"SOMETHING_NEW"}}`, `{"devices":{"A1":"FAILED"}}`} {
		results, err := of(body).AssignProfile(t.Context(), service, "P", []string{"A1"})
		require.NoError(t, err)
		assert.Equal(t, enrollment.Retry, results[0].Outcome, "%s: the profile may be assigned twice", body)
	}
}

// A token that Apple refuses and terms that wait are mended by people, after which the same call succeeds: no device may be
// given up for them. A profile that does not exist never will.
func TestWhatEndsACallAboutDevicesForGood(t *testing.T) {
	w, c, ports, s := services(t, appletest.Options{})
	uuid := profile(t, c)
	serials := w.devices(t, 1)
	assign := func(profile string) (enrollment.Outcome, time.Duration) {
		_, err := ports.AssignProfile(t.Context(), s, profile, serials)
		require.Error(t, err)
		return enrollment.Sent(err)
	}

	outcome, _ := assign("NOSUCHPROFILE")
	assert.Equal(t, enrollment.Fatal, outcome)

	w.org.RequireTerms()
	outcome, _ = assign(uuid)
	assert.Equal(t, enrollment.Retry, outcome, "terms")
	require.NoError(t, w.org.AcceptTerms(w.admin))

	w.apple.Fail(appletest.Unavailable(time.Minute))
	outcome, after := assign(uuid)
	assert.Equal(t, enrollment.Unknown, outcome, "a 503 does not say that nothing was done")
	assert.Zero(t, after)
	_, err := ports.Lookup(t.Context(), s, serials)
	outcome, after = enrollment.Asked(err)
	assert.Equal(t, enrollment.Retry, outcome, "Apple asked to wait")
	assert.InDelta(t, time.Minute, after, float64(2*time.Second))

	w, c, ports, s = services(t, appletest.Options{})
	uuid, serials = profile(t, c), w.devices(t, 1)
	w.download(t)
	outcome, _ = assign(uuid)
	assert.Equal(t, enrollment.Retry, outcome, "a refused token")
	_, err = ports.Lookup(t.Context(), s, serials)
	require.ErrorIs(t, err, abmtoken.ErrRejected)
}

// The token of another service would show other devices and take profiles there, and a wipe may hang on what it shows.
func TestAClientOfAnotherServiceIsNotAsked(t *testing.T) {
	w, c, ports, s := services(t, appletest.Options{})
	uuid, serials := profile(t, c), w.devices(t, 1)
	s.UUID = strings.Repeat("0", 32)

	_, err := ports.Lookup(t.Context(), s, serials)
	require.ErrorIs(t, err, dep.ErrOtherService)
	_, err = ports.AssignProfile(t.Context(), s, uuid, serials)
	require.ErrorIs(t, err, dep.ErrOtherService)
	for d, err := range ports.Devices(t.Context(), s) {
		require.ErrorIs(t, err, dep.ErrOtherService)
		assert.Empty(t, d)
	}
	for _, r := range w.apple.Requests() {
		assert.NotContains(t, r.Path, "/devices", "nothing was asked of it about devices")
	}
}

func TestNoClientForAService(t *testing.T) {
	gone := errors.New("the server is retired")
	for err, want := range map[error]enrollment.Outcome{
		gone: enrollment.Retry, &enrollment.CallError{Outcome: enrollment.Fatal, Err: gone}: enrollment.Fatal,
	} {
		ports := dep.NewServices(func(context.Context, enrollment.Service) (*dep.Client, error) { return nil, err })
		_, got := ports.AssignProfile(t.Context(), enrollment.Service{}, "P", []string{"A1"})
		require.ErrorIs(t, got, gone)
		outcome, _ := enrollment.Sent(got)
		assert.Equal(t, want, outcome)
	}
	_, _, ports, s := services(t, appletest.Options{})
	_, err := ports.Lookup(t.Context(), s, make([]string, enrollment.MaxBatch+1))
	require.ErrorIs(t, err, dep.ErrInput)
	_, err = ports.AssignProfile(t.Context(), s, "P", []string{"\n"})
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Fatal, outcome)
}

// A list of many pages takes time. What comes meanwhile is not lost.
func TestTheListSaysWhatChangedMeanwhile(t *testing.T) {
	w, _, ports, s := services(t, appletest.Options{Behavior: appletest.Behavior{PageMax: 3}})
	serials := w.devices(t, 10)
	w.org.AddDevices(appletest.Device{Serial: "A0FIRST"}) // before all others, so its page has passed
	now, times := map[string]enrollment.Known{}, map[string]int{}
	for d, err := range ports.Devices(t.Context(), s) {
		require.NoError(t, err)
		if len(now) == 5 && now["A0FIRST"] == "" {
			require.NoError(t, w.admin.Assign(w.service, "A0FIRST"))
			require.NoError(t, w.admin.Unassign(serials[0]))
		}
		now[d.Serial] = d.Assigned
		times[d.Serial]++
	}
	assert.Len(t, now, 11)
	assert.NotContains(t, slices.Collect(maps.Values(now)), enrollment.No, "what is listed is assigned")
	assert.Equal(t, enrollment.Yes, now["A0FIRST"])
	assert.Equal(t, 1, times[serials[0]], "that it left is no reason to list it again")
	assert.Equal(t, enrollment.Yes, now[serials[9]])
}

// An error in the middle of the list is told; leaving it early asks for nothing more.
func TestTheListBreaksOff(t *testing.T) {
	w, _, ports, s := services(t, appletest.Options{Behavior: appletest.Behavior{PageMax: 3}})
	w.devices(t, 10)
	n, failed := 0, error(nil)
	for _, err := range ports.Devices(t.Context(), s) {
		if failed = err; err == nil {
			if n++; n == 2 {
				once := appletest.Unavailable(0)
				once.Times = 1
				w.apple.Fail(once)
			}
		}
	}
	assert.Equal(t, 3, n)
	outcome, _ := enrollment.Asked(failed)
	assert.Equal(t, enrollment.Retry, outcome)
	require.Error(t, failed)

	before := len(w.apple.Requests())
	for _, err := range ports.Devices(t.Context(), s) {
		require.NoError(t, err)
		break
	}
	assert.Len(t, w.apple.Requests(), before+1)
}
