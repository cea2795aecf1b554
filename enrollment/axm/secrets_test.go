package axm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// Answers repeat all that they were asked with, and it stays out of errors.
func TestThreat17_NoSecretIsInAnError(t *testing.T) {
	w := newWorld(t, appletest.API{})
	var secrets []string
	remember := func(r *http.Request) string {
		body := ""
		if r.Body != nil {
			raw, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			body = string(raw)
		}
		for _, pair := range strings.Split(body, "&") {
			if value, is := strings.CutPrefix(pair, "client_assertion="); is {
				secrets = append(secrets, value)
			}
		}
		return r.Header.Get("Authorization") + " " + body
	}
	for _, broken := range []string{tokenPath, "/v1/"} {
		c := w.client(t, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			all := remember(r)
			if strings.HasPrefix(r.URL.Path, broken) {
				return response(r, 400, `{"errors":[{"code":"X","detail":`+quoted(all)+`}]}`), nil
			}
			return response(r, 200, `{"access_token":"canary-bearer","token_type":"Bearer","expires_in":3600}`), nil
		})})
		secrets = append(secrets, "canary-bearer", string(w.account.PrivateKey))
		for name, do := range questions {
			err := do(t.Context(), c)
			require.Error(t, err, name)
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%+v %#v %s", c, c, c)} {
				for _, secret := range secrets {
					assert.NotContains(t, text, secret, name)
				}
			}
		}
	}
	require.Greater(t, len(secrets), 10)

	// A transport that quotes what it was given.
	c := w.client(t, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == tokenPath {
			return response(r, 200, `{"access_token":"canary-bearer","token_type":"Bearer","expires_in":3600}`), nil
		}
		return nil, fmt.Errorf("cannot send %v", r.Header)
	})})
	err := ask(t.Context(), c)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "canary-bearer")
}

func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err) // strings
	}
	return string(out)
}

func TestThreat17_CredentialsAndActivitiesDoNotPrint(t *testing.T) {
	w := newWorld(t, appletest.API{})
	creds, c := w.credentials(t), w.client(t, axm.Options{})
	block, _ := pem.Decode(w.account.PrivateKey)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	scalar, err := key.(*ecdsa.PrivateKey).Bytes()
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, creds)
		assert.Equal(t, "API account "+w.account.ClientID, text, verb)
		assert.NotContains(t, text, fmt.Sprintf("%x", scalar))
	}
	_, err = json.Marshal(creds)
	require.Error(t, err)
	assert.Equal(t, w.account.ClientID, creds.ClientID())

	a, err := c.Assign(t.Context(), w.to.UUID(), w.devices(t, 1)...)
	a = w.ended(t, c, a, err)
	require.True(t, a.HasLog())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", a, a, a), "signature")
}

func TestWhichKeysAreAKey(t *testing.T) {
	w := newWorld(t, appletest.API{})
	block, _ := pem.Decode(w.account.PrivateKey)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	file := func(kind string, bytes []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
	}
	parameters := file("EC PARAMETERS", []byte{6, 0})
	for name, good := range map[string][]byte{
		"PKCS #8": w.account.PrivateKey, "SEC 1": file("EC PRIVATE KEY", sec1), "of openssl": append(parameters, file("EC PRIVATE KEY", sec1)...),
		"with text before it": append([]byte("Bag Attributes\n"), w.account.PrivateKey...),
	} {
		_, err := axm.NewCredentials(" "+w.account.ClientID+"\n", w.account.KeyID, good)
		require.NoError(t, err, name)
	}
	for says, bad := range map[string][]byte{
		"no private key in": []byte("x"), "P-256": pkcs8(p384), "no EC key": pkcs8(r), "damaged": file("EC PRIVATE KEY", sec1[:20]),
		"damaged\n": file("PRIVATE KEY", block.Bytes[1:]), "is encrypted": file("ENCRYPTED PRIVATE KEY", sec1), `"CERTIFICATE"`: file("CERTIFICATE", sec1),
		"larger": make([]byte, 1<<20), "no private key in the file": parameters,
	} {
		_, err := axm.NewCredentials(w.account.ClientID, w.account.KeyID, bad)
		require.ErrorIs(t, err, axm.ErrOptions)
		assert.Contains(t, err.Error(), strings.TrimSpace(says))
	}
	for _, id := range []string{"", "BUSINESSAPI.", "OTHER.1", "BUSINESSAPI.a b", "BUSINESSAPI.\r\n1"} {
		_, err := axm.NewCredentials(id, w.account.KeyID, w.account.PrivateKey)
		require.ErrorIs(t, err, axm.ErrOptions, id)
	}
	_, err = axm.NewCredentials(w.account.ClientID, "", w.account.PrivateKey)
	require.ErrorIs(t, err, axm.ErrOptions)
}
