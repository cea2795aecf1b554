package apns_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

// elsewhere signs with a key that it does not give away.
type elsewhere struct{ private crypto.Signer }

func (e elsewhere) Public() crypto.PublicKey { return e.private.Public() }

func (e elsewhere) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return e.private.Sign(r, digest, o)
}

// A key in a hardware module signs like any other, and does not leave it.
func TestAKeyMaySignElsewhere(t *testing.T) {
	key, err := apns.KeyOf(elsewhere{keys()[0].Signer()})
	require.NoError(t, err)
	assert.True(t, keys()[0].Public().Equal(key.Public()))
	assert.Equal(t, keys()[0].ID(), key.ID())
	assert.Nil(t, key.RevealPEM())
	request, err := apns.NewRequest(key, apns.RequestName{CommonName: "Acme"})
	require.NoError(t, err)
	parsed, err := x509.ParseCertificateRequest(request)
	require.NoError(t, err)
	require.NoError(t, parsed.CheckSignature())
}

func TestKeyOfRefuses(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, signer := range map[string]crypto.Signer{"nothing": nil, "no RSA": curve} {
		_, err := apns.KeyOf(signer)
		assert.ErrorIs(t, err, apns.ErrKey, name)
	}
}

// A certificate names its key as the key names itself, so that the one is found by the other.
func TestCertificateAndKeyHaveOneName(t *testing.T) {
	_, issuer := apple(t)
	certificate, err := apns.ParseCertificate(issuer.issue(t, order{}).Raw)
	require.NoError(t, err)
	assert.Equal(t, keys()[2].ID(), certificate.KeyID())
	assert.NotEqual(t, keys()[1].ID(), certificate.KeyID())
	der, err := x509.MarshalPKIXPublicKey(keys()[2].Public())
	require.NoError(t, err)
	sum := sha256.Sum256(der)
	assert.Equal(t, hex.EncodeToString(sum[:]), certificate.KeyID())
	assert.Empty(t, apns.Key{}.ID())
	assert.Empty(t, apns.Certificate{}.KeyID())
}
