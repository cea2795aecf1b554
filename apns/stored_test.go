package apns_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/abmrenew/abmrenew/apns"
)

// held is everything that a caller keeps of a certificate in use.
type held struct {
	der, pem, key []byte
	chain         [][]byte
	report        apns.Report
}

func holding(c apns.Certificate) held {
	return held{c.DER(), c.PEM(), c.Key().RevealPEM(), c.Chain(), apns.Inspect(c, apns.Inspection{Now: today})}
}

// What is refused leaves nothing behind: not in the file that the caller gave, which is often kept for support, not in the
// certificate in use that it was compared with, and no half certificate.
func TestARefusedFileChangesNothingThatTheCallerHas(t *testing.T) {
	root, issuer := apple(t)
	foreign := newAuthorityOf(t, "Acme", "Acme Test CA", 3, nil)
	inUse := read(t, inPEM(issuer.issue(t, order{}), issuer.cert, root.cert)).WithKey(keys()[2])
	made := func(change func(*x509.Certificate)) []byte {
		return inPEM(issuer.issue(t, order{key: keys()[3], change: func(c *x509.Certificate) {
			c.NotAfter = today.Add(340 * day)
			if change != nil {
				change(c)
			}
		}}))
	}
	p12 := func(encoder *pkcs12.Encoder) []byte {
		file, err := encoder.Encode(keys()[2].Signer(), issuer.issue(t, order{}), nil, "right")
		require.NoError(t, err)
		return file
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, keys()[3].Signer())
	require.NoError(t, err)
	cut := p12(pkcs12.Modern2023)

	for name, c := range map[string]struct {
		file     []byte
		password string
		key      apns.Key
		apple    bool         // Apple is required
		err      error        // it does not read
		check    string       // or this check complains
		verdict  apns.Verdict // like that
	}{
		"expired":              {file: made(func(c *x509.Certificate) { c.NotAfter = today.Add(-day) }), check: apns.CheckValidity, verdict: apns.Fail},
		"not yet valid":        {file: made(func(c *x509.Certificate) { c.NotBefore = today.Add(day) }), check: apns.CheckValidity, verdict: apns.Fail},
		"no topic":             {file: made(func(c *x509.Certificate) { c.Subject = subject("") }), check: apns.CheckTopic, verdict: apns.Fail},
		"wrong prefix":         {file: made(func(c *x509.Certificate) { c.Subject = subject("com.acme.mgmt.External.1") }), check: apns.CheckTopic, verdict: apns.Fail},
		"an app's":             {file: made(func(c *x509.Certificate) { c.Subject = subject("com.acme.app") }), check: apns.CheckTopic, verdict: apns.Fail},
		"another topic":        {file: made(func(c *x509.Certificate) { c.Subject = subject("com.apple.mgmt.External.1") }), check: apns.CheckContinuity, verdict: apns.Fail},
		"ends no later":        {file: made(func(c *x509.Certificate) { c.NotAfter = today.Add(100 * day) }), check: apns.CheckContinuity, verdict: apns.Fail},
		"wrong key":            {file: made(nil), key: keys()[1], check: apns.CheckKey, verdict: apns.Fail},
		"another issuer":       {file: inPEM(foreign.issue(t, order{key: keys()[3]})), check: apns.CheckIssuer, verdict: apns.Warn},
		"another, by policy":   {file: inPEM(foreign.issue(t, order{key: keys()[3]})), apple: true, check: apns.CheckIssuer, verdict: apns.Fail},
		"forged chain":         {file: append(made(nil), inPEM(newAuthority(t, issuer.cert.Subject.CommonName, 3, nil).cert)...), check: apns.CheckChain, verdict: apns.Fail},
		"for a website":        {file: made(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), check: apns.CheckPurpose, verdict: apns.Fail},
		"RC2, wrong password":  {file: p12(pkcs12.LegacyRC2), password: "wrong", err: apns.ErrPassword},
		"3DES, wrong password": {file: p12(pkcs12.LegacyDES), password: "wrong", err: apns.ErrPassword},
		"AES, wrong password":  {file: p12(pkcs12.Modern2023), password: "", err: apns.ErrPassword},
		"cut .p12":             {file: cut[:len(cut)/2], password: "right", err: apns.ErrUnsupported},
		"server token":         {file: []byte("MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIAGCSqG\r\n"), err: apns.ErrFile},
		"request":              {file: apns.RequestPEM(request), err: apns.ErrFile},
		"key alone":            {file: keys()[3].RevealPEM(), err: apns.ErrFile},
		"two keys":             {file: bytes.Join([][]byte{made(nil), keys()[2].RevealPEM(), keys()[3].RevealPEM()}, nil), err: apns.ErrKey},
		"cut":                  {file: made(nil)[:300], err: apns.ErrFile},
		"far too large":        {file: bytes.Repeat([]byte("x"), apns.MaxFile+1), err: apns.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			before, file := holding(inUse), bytes.Clone(c.file)
			got, err := apns.Read(c.file, c.password)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				assert.True(t, got.IsZero(), "no half certificate")
				assert.True(t, got.Key().IsZero(), "and no key without one")
			} else {
				require.NoError(t, err)
				report := apns.Inspect(got.WithKey(c.key), apns.Inspection{Now: today, Before: inUse, Devices: 3, RequireApple: c.apple})
				assert.Equal(t, c.verdict, found(report)[c.check])
				succession := apns.Continue(inUse, got, 3)
				assert.Equal(t, topic, succession.OldTopic)
				assert.True(t, got.Key().IsZero(), "WithKey gives another value")
			}
			assert.Equal(t, file, c.file, "the file is the caller's")
			assert.Equal(t, before, holding(inUse), "what is in use stays as it is")
		})
	}
}

// What the caller does with what it was given changes no certificate either.
func TestWhatIsHandedOutIsACopy(t *testing.T) {
	root, issuer := apple(t)
	c := read(t, inPEM(issuer.issue(t, order{}), issuer.cert, root.cert)).WithKey(keys()[2])
	want := holding(c)
	for _, out := range append(c.Chain(), c.DER(), c.PEM(), c.Key().RevealPEM()) {
		for i := range out {
			out[i] = 0
		}
	}
	assert.Equal(t, want, holding(c))
	block, _ := pem.Decode(c.PEM())
	require.NotNil(t, block)
}
