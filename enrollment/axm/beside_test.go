package axm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
)

// kept is what a host with two services at Apple plugs in: the organization that the accounts function leads to, beside the
// services themselves.
func (w *world) kept(t testing.TB, account func() (axm.Credentials, error)) (*axm.Organizations, *dep.Services) {
	t.Helper()
	organizations, err := axm.OrganizationsFor(
		func(context.Context, enrollment.TenantID) (axm.Credentials, error) { return account() },
		axm.Options{Transport: w.apple.Transport(), Now: w.clock.Now})
	require.NoError(t, err)
	sources := map[enrollment.ServerID]abmtoken.Source{}
	for _, s := range []*appletest.Service{w.from, w.to} {
		file, _, err := w.admin.DownloadToken(s)
		require.NoError(t, err)
		token, _, err := abmtoken.Open(file, w.clock.Now(), w.keys)
		require.NoError(t, err)
		sources[service(s).Server] = abmtoken.Static(token)
	}
	services, err := dep.ServicesFor(func(s enrollment.Service) abmtoken.Source { return sources[s.Server] },
		dep.Options{Transport: w.apple.Transport(), Now: w.clock.Now})
	require.NoError(t, err)
	return organizations, services
}

func (w *world) mine(t testing.TB) func() (axm.Credentials, error) {
	return func() (axm.Credentials, error) { return w.credentials(t), nil }
}

func TestListerBesideKeepsThePromisesOfADeviceLister(t *testing.T) {
	enrollmenttest.RunDeviceLister(t, func(t testing.TB) enrollmenttest.DeviceListerRig {
		w := newWorld(t, appletest.API{APIPageMax: 2})
		serials := w.devices(t, 6)
		require.NoError(t, w.admin.Assign(w.to, serials[5]))
		organizations, services := w.kept(t, w.mine(t))
		return enrollmenttest.DeviceListerRig{
			Lister: organizations.Beside(services), Service: service(w.from), Serials: serials[:5], Elsewhere: serials[5],
		}
	})
}

// The two of Apple's services know different things of a device, and a plan needs both.
func TestListerBesideAddsWhatTheAPITells(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 4)
	organizations, services := w.kept(t, w.mine(t))
	both := organizations.Beside(services)
	want := map[string]enrollment.Known{serials[0]: enrollment.Yes, serials[1]: enrollment.No}
	for range 3 {
		seen, err := both.Lookup(t.Context(), service(w.from), serials[:2])
		require.NoError(t, err)
		for _, d := range seen {
			assert.Equal(t, want[d.Serial], d.Capable, d.Serial)
			assert.Equal(t, "Mac14,2", d.Product)
			assert.Equal(t, enrollment.ProfileEmpty, d.ProfileStatus, "which only the service tells")
		}
	}
	n := 0
	for d, err := range both.Devices(t.Context(), service(w.from)) {
		require.NoError(t, err)
		assert.NotEmpty(t, d.Capable)
		n++
	}
	assert.Equal(t, 4, n)
	assert.Equal(t, 1, w.apple.Count("GET", "/v1/orgDevices"), "asked once for all")

	w.clock.Pass(10 * time.Minute)
	stranger, err := both.Lookup(t.Context(), service(w.from), []string{"NOBODYS"})
	require.NoError(t, err)
	assert.Equal(t, enrollment.NotKnown, stranger[0].Capable, "neither able nor unable")
	assert.Equal(t, 2, w.apple.Count("GET", "/v1/orgDevices"), "what is old is asked again")
	nothing, err := both.Lookup(t.Context(), service(w.from), nil)
	require.NoError(t, err)
	assert.Empty(t, nothing)

	w.clock.Pass(10 * time.Minute)
	end := w.apple.Fail(appletest.Fault{Kind: appletest.Status, Path: "/v1/orgDevices", Status: 503})
	_, err = both.Lookup(t.Context(), service(w.from), serials)
	outcome, _ := enrollment.Asked(err)
	require.Error(t, err, "half of the facts are none")
	assert.Equal(t, enrollment.Retry, outcome)
	end()
}

// Customers without an API account are not left out: a person assigns their devices at the portal.
func TestTenantsWithoutAccountAreServedByHand(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 2)
	organizations, services := w.kept(t, func() (axm.Credentials, error) { return axm.Credentials{}, axm.ErrNoAccount })
	seen, err := organizations.Beside(services).Lookup(t.Context(), service(w.from), serials)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, seen[0].Assigned)
	assert.Equal(t, enrollment.NotKnown, seen[0].Capable)
	activity, err := organizations.Assign(t.Context(), enrollment.AssignmentRequest{
		Effect: "bat_1/1/assign", Kind: enrollment.AssignDevices, Service: service(w.to), Serials: serials,
	})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Activity{State: enrollment.ActivityByHand}, activity)
	assert.Equal(t, w.from, w.org.AssignedTo(serials[0]))
}

// One client serves a tenant until its account changes; then the new one does, from the next call on.
func TestOrganizationsKeepOneClientForEachAccount(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 1)
	account, lost := w.credentials(t), errors.New("the vault is sealed")
	organizations, _ := w.kept(t, func() (axm.Credentials, error) {
		if account.IsZero() {
			return account, lost
		}
		return account, nil
	})
	look := func() {
		_, err := organizations.Lookup(t.Context(), service(w.from), serials)
		require.NoError(t, err)
	}
	look()
	look()
	before := w.apple.Count("POST", "/auth/oauth2/v2/token")
	assert.Equal(t, 1, before)
	other, err := w.admin.CreateAPIAccount()
	require.NoError(t, err)
	w.admin.RevokeAPIAccount(w.account.ClientID)
	w.account = other
	account = w.credentials(t)
	look()
	assert.Equal(t, 2, w.apple.Count("POST", "/auth/oauth2/v2/token"))

	account = axm.Credentials{}
	_, err = organizations.Lookup(t.Context(), service(w.from), serials)
	require.ErrorIs(t, err, lost)
	outcome, _ := enrollment.Asked(err)
	assert.Equal(t, enrollment.Retry, outcome)

	_, err = axm.OrganizationsFor(nil, axm.Options{})
	require.ErrorIs(t, err, axm.ErrOptions)
	_, err = axm.OrganizationsFor(func(context.Context, enrollment.TenantID) (axm.Credentials, error) { return account, nil },
		axm.Options{BaseURL: "http://elsewhere.example"})
	require.ErrorIs(t, err, axm.ErrOptions)
}
