package apns_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/abmrenew/abmrenew/apns"
)

// absurdKey has the form of a private key with so many bits that checking its numbers would take minutes.
func absurdKey(t *testing.T) (pkcs1, pkcs8 []byte) {
	t.Helper()
	huge := func(bits uint) *big.Int { n := new(big.Int).Lsh(big.NewInt(1), bits); return n.Sub(n, big.NewInt(1)) }
	p, q := huge(30_000), huge(29_990)
	pkcs1, err := asn1.Marshal(struct {
		Version                      int
		N, E, D, P, Q, Dp, Dq, Coeff *big.Int
	}{0, new(big.Int).Mul(p, q), big.NewInt(65537), huge(50_000), p, q, huge(20_000), huge(20_000), huge(20_000)})
	require.NoError(t, err)
	pkcs8, err = asn1.Marshal(struct {
		Version   int
		Algorithm struct {
			ID   asn1.ObjectIdentifier
			Null asn1.RawValue
		}
		Key []byte
	}{Algorithm: struct {
		ID   asn1.ObjectIdentifier
		Null asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}, Key: pkcs1})
	require.NoError(t, err)
	return pkcs1, pkcs8
}

// Whoever uploads a file chooses its numbers, but not how long they are computed with.
func TestAbsurdPrivateKeysAreRefusedBeforeAnyWork(t *testing.T) {
	pkcs1, pkcs8 := absurdKey(t)
	for label, der := range map[string][]byte{"RSA PRIVATE KEY": pkcs1, "PRIVATE KEY": pkcs8} {
		text := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
		require.LessOrEqual(t, len(text), apns.MaxFile)
		_, err := apns.ParseKey(text)
		require.ErrorIs(t, err, apns.ErrKey, label)
		require.ErrorContains(t, err, "too many bits", label)
		_, err = apns.Read(text, "")
		require.ErrorIs(t, err, apns.ErrKey, label)
	}
	keyBag := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	for name, part := range map[string][]byte{
		"open":      plain(bag(keyBag, pkcs8)),
		"encrypted": plain(bag(oidShrouded, sequence(aes256(1), octets(make([]byte, 16<<10))))),
	} {
		_, err := apns.Read(file(part), "")
		require.ErrorIs(t, err, apns.ErrUnsupported, name)
		require.ErrorContains(t, err, "too many bits", name)
	}
	_, err := apns.ParseKey(bytes.Repeat([]byte("x"), apns.MaxFile+1))
	require.ErrorIs(t, err, apns.ErrKey)
}

// A signature by a key of absurd size would be checked for seconds.
func TestCertificatesWithAbsurdKeysAreRefused(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	n := new(big.Int).Lsh(big.NewInt(1), 20_000)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: today, NotAfter: today.Add(day), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}, issuer.key)
	require.NoError(t, err)
	absurd, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	for name, text := range map[string][]byte{"alone": der, "in the chain": inPEM(leaf, absurd)} {
		_, err := apns.Read(text, "")
		require.ErrorIs(t, err, apns.ErrFile, name)
	}
	_, err = apns.NewLocalVendor(inPEM(leaf, absurd, absurd), keys()[2], today)
	require.ErrorIs(t, err, apns.ErrVendor)
	p12, err := pkcs12.Modern2023.Encode(keys()[2].Signer(), leaf, []*x509.Certificate{absurd}, "secret")
	require.NoError(t, err)
	_, err = apns.Read(p12, "secret")
	require.ErrorIs(t, err, apns.ErrUnsupported)
	require.ErrorContains(t, err, "absurd key")
}

// A topic goes into headers, messages and logs: one with line ends or without end is none.
func TestTopicsThatNoTopicCanBe(t *testing.T) {
	_, issuer := apple(t)
	for name, uid := range map[string]string{
		"line end": topic + "\nlevel=INFO", "blank": topic + " x", "umlaut": topic + "ä", "long": topic + strings.Repeat("x", 255), "delete": topic + "\x7f",
	} {
		c := read(t, inPEM(issuer.issue(t, order{change: func(c *x509.Certificate) { c.Subject = subject(uid) }})))
		assert.Empty(t, c.Topic(), name)
		report := apns.Inspect(c, apns.Inspection{Now: today})
		assert.Equal(t, map[string]apns.Verdict{apns.CheckTopic: apns.Fail}, found(report), name)
		assert.NotContains(t, c.String(), "\n", name)
	}
}

func TestAFileWithTwoPrivateKeysIsRefused(t *testing.T) {
	_, issuer := apple(t)
	text := append(inPEM(issuer.issue(t, order{})), append(keys()[2].RevealPEM(), keys()[3].RevealPEM()...)...)
	_, err := apns.Read(text, "")
	require.ErrorIs(t, err, apns.ErrKey)
	require.ErrorContains(t, err, "more than one")
}

// Some browsers write .p12 files in BER: that is said, and not that a certificate is damaged.
func TestPKCS12ThatIsNotInDERIsCalledByItsName(t *testing.T) {
	_, issuer := apple(t)
	whole, err := pkcs12.Modern2023.Encode(keys()[2].Signer(), issuer.issue(t, order{}), nil, "secret")
	require.NoError(t, err)
	for name, text := range map[string][]byte{
		"BER": append(append([]byte{0x30, 0x80}, whole[4:]...), 0, 0), "cut": whole[:200], "version alone": {0x30, 0x03, 2, 1, 3},
	} {
		_, err := apns.Read(text, "secret")
		require.ErrorIs(t, err, apns.ErrUnsupported, name)
	}
	endless := strings.Repeat("x", 2<<10)
	whole, err = pkcs12.Modern2023.Encode(keys()[2].Signer(), issuer.issue(t, order{}), nil, endless)
	require.NoError(t, err)
	_, err = apns.Read(whole, endless)
	require.ErrorIs(t, err, apns.ErrPassword, "a password without end is not hashed")
}

// Nesting costs nothing: what is deep is not followed.
func TestDeeplyNestedFilesAreRefused(t *testing.T) {
	deep := []byte{}
	for range 3000 {
		deep = sequence(deep)
	}
	nested := bag(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}, deep)
	for name, text := range map[string][]byte{
		"sequences": deep, "parts": file(deep), "bags": file(plain(nested)),
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: deep}),
	} {
		_, err := apns.Read(text, "")
		require.Error(t, err, name)
	}
}

// What a request cannot hold is left out: a technician's umlaut is no reason to go without a certificate.
func TestRequestsLeaveOutWhatTheyCannotHold(t *testing.T) {
	for _, name := range []apns.RequestName{
		{Email: "jürgen@acme.example", Country: "é"}, {Email: "a b@acme.example", Country: "\x00D"},
		{Email: strings.Repeat("x", 255) + "@acme.example"}, {CommonName: "\xff\xfe"},
	} {
		der, err := apns.NewRequest(keys()[2], name)
		require.NoError(t, err, name)
		request, err := x509.ParseCertificateRequest(der)
		require.NoError(t, err, name)
		assert.Empty(t, request.EmailAddresses, name)
		assert.Empty(t, request.Subject.Country, name)
	}
}
