package main

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

func TestImportOfPushCertificates(t *testing.T) {
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	other, err := apns.GenerateKey()
	require.NoError(t, err)
	const topic = "com.apple.mgmt.External.0b7a7a52-3c1c-4c0d-9d6a-6b8f1f6f4a01"
	p := newPusher(t, "acme")
	issue := func(name string, from, until int) string {
		at := p.now()
		cert := p.apple.Push().Issue(key.Public(), topic, at.AddDate(0, 0, from), at.AddDate(0, 0, until))
		return p.write(name, cert.Raw)
	}
	keyFile, otherFile := p.write("push.key", key.RevealPEM()), p.write("other.key", other.RevealPEM())
	good := issue("good.der", -100, 265)

	for name, wrong := range map[string]struct {
		status int
		args   []string
	}{
		"another key":            {4, []string{"--cert", good, "--key", otherFile}},
		"no key":                 {4, []string{"--cert", good}},
		"expired":                {3, []string{"--cert", issue("expired.der", -400, -35), "--key", keyFile}},
		"no certificate at all":  {5, []string{"--cert", keyFile}},
		"no such file":           {2, []string{"--cert", p.path("none.pem")}},
		"no such password file":  {2, []string{"--cert", good, "--key", keyFile, "--password-file", p.path("none")}},
		"a password without end": {2, []string{"--cert", good, "--key", keyFile, "--password-file", p.write("long", make([]byte, 5000))}},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.cli(append([]string{"push", "import"}, wrong.args...)...)
			r.t = t
			r.fails(wrong.status)
			r = p.cli("push", "show")
			r.t = t
			assert.Contains(t, r.fails(1).err, "push import")
		})
	}
	refused := p.cli("push", "import", "--cert", good, "--key", otherFile).fails(4).object()
	assert.NotEmpty(t, refused["report"].(map[string]any)["findings"], "every single check of the refused file")

	p.cli("push", "import", "--cert", good, "--key", keyFile, "--name", "Acme push").ok()
	again := p.cli("push", "import", "--cert", good, "--key", keyFile).ok()
	assert.Equal(t, "Acme push", again.get("name"))
	p.cli("push", "import", "--cert", issue("older.der", -200, 165), "--key", keyFile).fails(7)
	assert.Len(t, p.list("push", "list"), 1)
	p.terminal = true
	assert.Contains(t, p.cli("push", "retire").fails(8).err, "--yes")
	p.cli("push", "retire", "--yes").ok()
	p.cli("push", "check").fails(1)
}

func TestAPasswordIsTheFirstLineOfItsFile(t *testing.T) {
	w := newWorld(t)
	h := &host{}
	for text, want := range map[string]string{"p w\n": "p w", "pw\r\n": "pw", "pw": "pw", "pw \nnext": "pw ", "": ""} {
		got, err := h.password(w.write("password", []byte(text)))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestPushCertificatesOfOtherIssuersAreAMatterOfPolicy(t *testing.T) {
	key, err := apns.GenerateKey()
	require.NoError(t, err)
	p := newPusher(t, "acme")
	own := p.write("own.pem", selfIssued(t, key, p.now()))
	keyFile := p.write("own.key", key.RevealPEM())
	p.cli("policy", "set", "--require-apple-issuer=on").ok()
	p.cli("push", "import", "--cert", own, "--key", keyFile).fails(5)
	p.cli("policy", "set", "--require-apple-issuer=off").ok()
	p.cli("push", "import", "--cert", own, "--key", keyFile).ok()
}

// selfIssued is what a test installation makes for itself.
func selfIssued(t *testing.T, key apns.Key, now time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		Subject: pkix.Name{CommonName: "Test push", ExtraNames: []pkix.AttributeTypeAndValue{{
			Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: "com.apple.mgmt.External.test",
		}}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key.Signer())
	require.NoError(t, err)
	return der
}
