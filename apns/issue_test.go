package apns_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

const (
	topic = "com.apple.mgmt.External.0bc63c26-8bbf-4b6e-9c2e-6d8c9d8a6a3f"
	day   = 24 * time.Hour
)

var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// keys are made once: each costs a core a while.
var keys = sync.OnceValue(func() (all [4]apns.Key) {
	for i := range all {
		var err error
		if all[i], err = apns.GenerateKey(); err != nil {
			panic(err)
		}
	}
	return all
})

// authority is a fake Apple root or issuer.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newAuthority(t testing.TB, name string, key int, above *authority) authority {
	t.Helper()
	return newAuthorityOf(t, "Apple Inc.", name, key, above)
}

func newAuthorityOf(t testing.TB, organization, name string, key int, above *authority) authority {
	t.Helper()
	private := privateOf(keys()[key])
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(100 + key)),
		Subject:      pkix.Name{CommonName: name, OrganizationalUnit: []string{"Apple Certification Authority"}, Organization: []string{organization}, Country: []string{"US"}},
		NotBefore:    today.AddDate(-5, 0, 0), NotAfter: today.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	parent, signer := template, private
	if above != nil {
		parent, signer = above.cert, above.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, private}
}

// apple is the chain of the real one, by names.
func apple(t testing.TB) (root, issuer authority) {
	root = newAuthority(t, "Apple Root CA", 0, nil)
	return root, newAuthority(t, "Apple Application Integration 2 Certification Authority", 1, &root)
}

// order is what a certificate is to be like.
type order struct {
	key    apns.Key
	change func(*x509.Certificate)
}

var oidUserID = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}

func subject(uid string) pkix.Name {
	name := pkix.Name{CommonName: "APSP:0bc63c26-8bbf-4b6e-9c2e-6d8c9d8a6a3f", Country: []string{"US"}}
	if uid != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidUserID, Value: uid}}
	}
	return name
}

// issue makes a push certificate like Apple's, valid for a year since a month.
func (a authority) issue(t testing.TB, o order) *x509.Certificate {
	t.Helper()
	if o.key.IsZero() {
		o.key = keys()[2]
	}
	null, err := asn1.Marshal(asn1.NullRawValue)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x5dac9ce02f54), Subject: subject(topic),
		NotBefore: today.Add(-30 * day), NotAfter: today.Add(335 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 3, 2}, Value: null}},
	}
	if o.change != nil {
		o.change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, o.key.Public(), a.key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

func inPEM(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

func read(t testing.TB, file []byte) apns.Certificate {
	t.Helper()
	c, err := apns.Read(file, "")
	require.NoError(t, err)
	return c
}

// privateOf is the private half of a key that is in this process.
func privateOf(k apns.Key) *rsa.PrivateKey {
	private, _ := k.Signer().(*rsa.PrivateKey)
	return private
}
