package abmtoken_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

func keyFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectorFolder, "keys", name+".pem"))
	require.NoError(t, err)
	return text
}

func armoured(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func pkcs1(t testing.TB, name string) []byte {
	return armoured("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(abmtoken.PrivateKey(vectorKey(t, name))))
}

func join(texts ...[]byte) []byte {
	var all []byte
	for _, text := range texts {
		all = append(all, text...)
	}
	return all
}

func TestImportsKeysOfOtherSystems(t *testing.T) {
	key, certificate, other := keyFile(t, "acme.key"), keyFile(t, "acme"), keyFile(t, "other")
	der := vectorKey(t, "acme").CertificateDER()
	trusted := armoured("TRUSTED CERTIFICATE", append(der, element(0x30, []byte{0x0c, 1, 'x'})...))
	crlf := []byte(strings.ReplaceAll(string(key), "\n", "\r\n"))
	for name, files := range map[string][2][]byte{
		"PKCS #8":                             {key, certificate},
		"PKCS #1":                             {pkcs1(t, "acme"), certificate},
		"CRLF and a byte order mark":          {append([]byte("\xef\xbb\xbf"), crlf...), append([]byte("\xef\xbb\xbf"), certificate...)},
		"text around":                         {join([]byte("Bag Attributes\n"), key, []byte("bye\n")), join([]byte("Certificate:\n"), certificate)},
		"DER":                                 {key, der},
		"a trusted certificate of openssl":    {key, trusted},
		"an old name of certificates":         {key, armoured("X509 CERTIFICATE", der)},
		"both in one file":                    {join(certificate, key), nil},
		"both in one file, the key first":     {join(key, certificate), []byte(" \n")},
		"a chain":                             {key, join(other, certificate)},
		"a chain in the key's file":           {join(key, other, certificate), nil},
		"parameters of a curve before":        {join(armoured("EC PARAMETERS", []byte{5, 0}), key), certificate},
		"one file with both, twice":           {join(key, certificate), join(key, certificate)},
		"a certificate request of it, passed": {join(armoured("CERTIFICATE REQUEST", []byte{5, 0}), key), certificate},
	} {
		pair, err := abmtoken.ImportKeyPair(files[0], files[1])
		require.NoError(t, err, name)
		assert.Equal(t, vectorKey(t, "acme").ID(), pair.ID(), name)
		assert.Equal(t, der, pair.CertificateDER(), name)
		assert.Equal(t, vectorKey(t, "acme").Recipient(), pair.Recipient(), name)
	}
}

func TestImportsAKeyWithoutItsCertificate(t *testing.T) {
	for name, text := range map[string][]byte{"alone": keyFile(t, "acme.key"), "beside another's": join(keyFile(t, "acme.key"), keyFile(t, "other"))} {
		pair, err := abmtoken.ImportKeyPair(text, nil)
		require.NoError(t, err, name)
		assert.False(t, pair.HasCertificate() || pair.UniqueRecipient() || !pair.Recipient().IsZero(), name)
		assert.Equal(t, vectorKey(t, "acme").ID(), pair.ID(), name)
	}
}

// Each refusal says why, and what to do where something can be done.
func TestRefusedKeysSayWhy(t *testing.T) {
	key, certificate := keyFile(t, "acme.key"), keyFile(t, "acme")
	pkcs8, _ := pem.Decode(key)
	locked := openssl(t, key, "pkcs8", "-topk8", "-passout", "pass:test")
	lockedOld := openssl(t, key, "rsa", "-traditional", "-aes128", "-passout", "pass:test")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	two, _ := pem.Decode(pkcs1(t, "acme"))
	three := element(0x30, two.Bytes[4:], element(0x30)) // other primes come behind the numbers
	type numbers struct {
		Version                                        int
		Modulus, Exponent, Private, P, Q, DP, DQ, QInv *big.Int
	}
	odd := func(bits uint) *big.Int {
		return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
	}
	encode := func(n numbers) []byte {
		der, err := asn1.Marshal(n)
		require.NoError(t, err)
		return armoured("RSA PRIVATE KEY", der)
	}
	one := big.NewInt(1)
	for name, bad := range map[string]struct {
		key, certificate []byte
		says             string
	}{
		"locked":                  {locked, certificate, "unlock it first: openssl pkey"},
		"locked, old form":        {lockedOld, certificate, "locked with a passphrase"},
		"a curve":                 {keyFile(t, "curve.key"), certificate, "not RSA"},
		"a curve, old form":       {armoured("EC PRIVATE KEY", []byte{5, 0}), certificate, "elliptic curve"},
		"OpenSSH":                 {armoured("OPENSSH PRIVATE KEY", []byte{5, 0}), certificate, "OpenSSH"},
		"another kind":            {armoured("CANARY PRIVATE KEY", []byte{5, 0}), certificate, "key of another kind"},
		"a certificate":           {certificate, certificate, "no private key in PEM form"},
		"DER":                     {pkcs8.Bytes, certificate, "no private key in PEM form"},
		"nothing":                 {nil, certificate, "no private key in PEM form"},
		"too large":               {make([]byte, 64<<10+1), certificate, "too large"},
		"too large a certificate": {key, make([]byte, 64<<10+1), "too large"},
		"damaged":                 {armoured("PRIVATE KEY", pkcs8.Bytes[:len(pkcs8.Bytes)-1]), certificate, "damaged"},
		"numbers that do not fit": {encode(numbers{0, odd(2048), big.NewInt(65537), odd(2048), odd(1024), odd(1024), one, one, one}), certificate, "damaged"},
		"a long prime":            {encode(numbers{0, odd(2048), big.NewInt(65537), odd(2048), odd(100_000), odd(1024), one, one, one}), certificate, "damaged"},
		"a long private exponent": {encode(numbers{0, odd(2048), big.NewInt(65537), odd(100_000), odd(1024), odd(1024), one, one, one}), certificate, "damaged"},
		"small":                   {armoured("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), certificate, "has 1024 bits, not between 2048 and 8192"},
		"large":                   {encode(numbers{0, odd(8200), big.NewInt(65537), one, one, one, one, one, one}), certificate, "has 8200 bits"},
		"three primes":            {armoured("RSA PRIVATE KEY", three), certificate, "not made of two primes"},
		"another's certificate":   {key, keyFile(t, "other"), "belongs to another key"},
		"a curve's certificate":   {key, keyFile(t, "curve"), "belongs to another key"},
		"no certificate in it":    {key, key, "no certificate in the certificate's file"},
		"a damaged certificate":   {key, armoured("CERTIFICATE", []byte{0x30, 0}), "not X.509"},
		"half a certificate":      {key, vectorKey(t, "acme").CertificateDER()[:100], "not X.509"},
	} {
		pair, err := abmtoken.ImportKeyPair(bad.key, bad.certificate)
		require.ErrorIs(t, err, abmtoken.ErrBadKey, name)
		assert.Contains(t, err.Error(), bad.says, name)
		assert.NotContains(t, err.Error(), "CANARY", "%s: an error has nothing of the file", name)
		assert.True(t, pair.IsZero(), name)
	}
}

// Long numbers would cost seconds to calculate with.
func TestKeysOfLongNumbersAreRefusedAtOnce(t *testing.T) {
	long := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 60_000), big.NewInt(1))
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1))
	der, err := asn1.Marshal([]*big.Int{big.NewInt(0), modulus, big.NewInt(65537), modulus, long, long, modulus, modulus, modulus})
	require.NoError(t, err)
	file := armoured("RSA PRIVATE KEY", der)
	began := time.Now()
	_, err = abmtoken.ImportKeyPair(file, nil)
	refused := time.Since(began)
	require.ErrorIs(t, err, abmtoken.ErrBadKey)
	began = time.Now()
	_, err = x509.ParsePKCS1PrivateKey(der)
	require.Error(t, err)
	assert.Less(t, refused, time.Since(began)/10, "it was calculated with")
}
