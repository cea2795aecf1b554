package dep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// world is the fake Apple with one service and its token.
type world struct {
	apple   *appletest.Apple
	org     *appletest.Organization
	admin   *appletest.Admin
	service *appletest.Service
	keys    abmtoken.KeyPair
}

func newWorld(t *testing.T, o appletest.Options) *world {
	t.Helper()
	keys, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	require.NoError(t, err)
	w := &world{apple: appletest.New(o), keys: keys}
	w.org = w.apple.AddOrganization("Acme Inc.")
	w.admin = w.org.AddAdmin("it@acme.example")
	w.service, err = w.admin.CreateService("Acme MDM", keys.CertificatePEM())
	require.NoError(t, err)
	return w
}

// download lets the admin download a token, which kills the one before.
func (w *world) download(t *testing.T) abmtoken.Token {
	t.Helper()
	file, _, err := w.admin.DownloadToken(w.service)
	require.NoError(t, err)
	token, _, err := abmtoken.Open(file, w.apple.Now(), w.keys)
	require.NoError(t, err)
	return token
}

func TestVerifierTellsWhoseTokenItIs(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	v, err := dep.NewVerifier(dep.Options{Transport: w.apple.Transport()})
	require.NoError(t, err)
	old := w.download(t)

	account, err := v.Account(t.Context(), old)
	require.NoError(t, err)
	assert.Equal(t, w.service.UUID(), account.ServerUUID)
	assert.Equal(t, w.org.ID(), account.OrgID)
	assert.Equal(t, "it@acme.example", account.AdminID)

	w.download(t)
	_, err = v.Account(t.Context(), old)
	require.ErrorIs(t, err, abmtoken.ErrRejected)
}
