package axm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// Assigning a device again to the service that has it takes its profile. Who looks first sees that nothing is to be done, and
// who did it sees that the profile is gone.
func TestPain35_WhatADeviceHasIsSeenBeforeItIsAssignedAgain(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c, d, ports := w.client(t, axm.Options{}), w.depClient(t), w.organizations(t)
	serial := w.devices(t, 1)[0]
	require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serial)))
	seen, err := ports.Lookup(t.Context(), service(w.to), []string{serial})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, seen[0].Assigned, "nothing is to be done")

	uuid, err := d.DefineProfile(t.Context(), dep.Profile{Name: "Acme", URL: "https://mdm.acme.example/enroll", Magic: "acme"})
	require.NoError(t, err)
	require.NoError(t, only(d.AssignProfile(t.Context(), uuid, serial)))
	has := func() bool {
		seen, err := dep.NewServices(func(context.Context, enrollment.Service) (*dep.Client, error) { return d, nil }).
			Lookup(t.Context(), service(w.to), []string{serial})
		require.NoError(t, err)
		return seen[0].HasProfile(uuid)
	}
	require.True(t, has())
	require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serial)))
	assert.False(t, has(), "it was assigned again")
}

// A program replaces the certificate; one click of a person downloads the token that is encrypted to it.
func TestPain45_ARenewalNeedsOneClick(t *testing.T) {
	w := newWorld(t, appletest.API{})
	w.depClient(t) // a token is in use
	require.NoError(t, w.organizations(t).PublishCertificate(t.Context(), service(w.to), w.keys.CertificatePEM()))
	cause, _ := w.to.TokenState()
	assert.Equal(t, appletest.KeyReplaced, cause, "so this is done while a person is at the portal, never by a timer")
	require.NoError(t, only(w.depClient(t).Account(t.Context())), "the click, and the new token")

	other := service(w.to)
	other.UUID, other.Name = "0123456789ABCDEF0123456789ABCDEF", "Nobody's"
	require.ErrorIs(t, w.organizations(t).PublishCertificate(t.Context(), other, w.keys.CertificatePEM()), axm.ErrNoServer)
	// Another service of the same name is another service: its token would die.
	other.Name = w.to.Name()
	err := w.organizations(t).PublishCertificate(t.Context(), other, w.keys.CertificatePEM())
	require.ErrorIs(t, err, axm.ErrNoServer)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Fatal, outcome, "nobody repeats it but a person")

	require.NoError(t, w.organizations(t).CreateService(t.Context(), service(w.to).Tenant, "A new one", w.keys.CertificatePEM()))
	outcome, _ = enrollment.Sent(w.organizations(t).CreateService(t.Context(), service(w.to).Tenant, "A new one", w.keys.CertificatePEM()))
	assert.Equal(t, enrollment.Fatal, outcome, "there is one of this name")
	err = w.organizations(t).PublishCertificate(t.Context(), service(w.to), []byte("no certificate"))
	outcome, _ = enrollment.Sent(err)
	assert.Equal(t, enrollment.Fatal, outcome)
}
