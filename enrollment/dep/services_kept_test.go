package dep_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// A host hands over where its tokens are; each service has one client, with one session, for all calls.
func TestServicesKeepOneClientForEachService(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	w := newWorld(t, appletest.Options{Now: func() time.Time { return now }})
	w.apple.Change(func(b *appletest.Behavior) { b.ClockSkew = time.Minute })
	tokens := map[enrollment.ServerID]abmtoken.Source{"srv_1": abmtoken.Static(w.download(t))}
	other, err := w.admin.CreateService("Beside", w.keys.CertificatePEM())
	require.NoError(t, err)
	file, _, err := w.admin.DownloadToken(other)
	require.NoError(t, err)
	token, _, err := abmtoken.Open(file, w.apple.Now(), w.keys)
	require.NoError(t, err)
	tokens["srv_2"] = abmtoken.Static(token)
	serials := w.devices(t, 2)

	asked := 0
	ports, err := dep.ServicesFor(func(s enrollment.Service) abmtoken.Source { asked++; return tokens[s.Server] },
		dep.Options{Transport: w.apple.Transport(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	_, known := ports.AppleTime()
	assert.False(t, known, "Apple has not answered yet")
	for range 3 {
		for id, at := range map[enrollment.ServerID]*appletest.Service{"srv_1": w.service, "srv_2": other} {
			seen, err := ports.Lookup(t.Context(), enrollment.Service{Tenant: "acme", Server: id, UUID: at.UUID()}, serials[:1])
			require.NoError(t, err)
			want := enrollment.Yes
			if at == other {
				want = enrollment.No
			}
			assert.Equal(t, want, seen[0].Assigned, id)
		}
	}
	assert.Equal(t, 2, asked)
	assert.Equal(t, 2, w.apple.Count("GET", "/session"))
	apple, known := ports.AppleTime()
	assert.True(t, known)
	assert.Equal(t, now.Add(time.Minute), apple)

	_, known = dep.NewServices(func(context.Context, enrollment.Service) (*dep.Client, error) { return w.client(t, dep.Options{}), nil }).AppleTime()
	assert.False(t, known, "its clients tell it")
	_, err = dep.ServicesFor(nil, dep.Options{})
	require.ErrorIs(t, err, dep.ErrOptions)
	_, err = dep.ServicesFor(func(enrollment.Service) abmtoken.Source { return nil }, dep.Options{BaseURL: "http://elsewhere.example"})
	require.ErrorIs(t, err, dep.ErrOptions)
}

// A tenant's server may have the same ID as another tenant's: they are not one.
func TestServicesOfTenantsAreApart(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	var asked []enrollment.TenantID
	ports, err := dep.ServicesFor(func(s enrollment.Service) abmtoken.Source {
		asked = append(asked, s.Tenant)
		return abmtoken.Static(w.download(t))
	}, dep.Options{Transport: w.apple.Transport()})
	require.NoError(t, err)
	for _, tenant := range []enrollment.TenantID{"acme", "beta", "acme"} {
		_, err := ports.Lookup(t.Context(), enrollment.Service{Tenant: tenant, Server: "srv_1"}, nil)
		require.NoError(t, err)
	}
	assert.Equal(t, []enrollment.TenantID{"acme", "beta"}, asked)
}
