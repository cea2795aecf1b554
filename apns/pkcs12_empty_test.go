package apns_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/apns"
)

var (
	oidSHA1And3DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidSHA1        = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidCertBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
)

// derived is a key of RFC 7292, appendix B.2, with SHA-1 and one round, for a password in bytes.
func derived(password []byte, purpose byte, size int) (key []byte) {
	const block = 64
	fill := func(text []byte) []byte {
		if len(text) == 0 {
			return nil
		}
		return bytes.Repeat(text, (block+len(text)-1)/len(text))[:block]
	}
	in := append(fill(salt), fill(password)...)
	for len(key) < size {
		sum := sha1.Sum(append(bytes.Repeat([]byte{purpose}, block), in...))
		key = append(key, sum[:]...)
		add := new(big.Int).Add(new(big.Int).SetBytes(fill(sum[:])), big.NewInt(1))
		for i := 0; i < len(in); i += block {
			n := new(big.Int).Add(new(big.Int).SetBytes(in[i:i+block]), add)
			n.And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 8*block), big.NewInt(1)))
			n.FillBytes(in[i : i+block])
		}
	}
	return key[:size]
}

// ofOld encrypts as files of old are, and returns the algorithm with it.
func ofOld(t *testing.T, password, text []byte) (algorithm, encrypted []byte) {
	t.Helper()
	pad := des.BlockSize - len(text)%des.BlockSize
	text = append(bytes.Clone(text), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := des.NewTripleDESCipher(derived(password, 1, 24))
	require.NoError(t, err)
	cipher.NewCBCEncrypter(block, derived(password, 2, 8)).CryptBlocks(text, text)
	return sequence(object(oidSHA1And3DES), sequence(octets(salt), number(1))), text
}

// Some programs take no password for one of no bytes, others for one of no characters, which has two bytes of zero. A person
// sees no difference: they leave the field empty.
func TestAnEmptyPasswordIsTakenInBothForms(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	key, err := x509.MarshalPKCS8PrivateKey(privateOf(keys()[2]))
	require.NoError(t, err)
	for name, password := range map[string][]byte{"no characters": {0, 0}, "no bytes": nil} {
		certBag := bag(oidCertBag, sequence(object(oidX509), explicit(octets(leaf.Raw))))
		algorithm, hidden := ofOld(t, password, sequence(certBag))
		certs := sequence(object(oidEncrypted), explicit(sequence(number(0),
			sequence(object(oidData), algorithm, wrap(tag.Tag(0).ContextSpecific(), hidden)))))
		algorithm, hidden = ofOld(t, password, key)
		parts := sequence(certs, plain(bag(oidShrouded, sequence(algorithm, octets(hidden)))))
		mac := hmac.New(sha1.New, derived(password, 3, 20))
		mac.Write(parts)
		checksum := sequence(sequence(sequence(object(oidSHA1)), octets(mac.Sum(nil))), octets(salt), number(1))
		text := sequence(number(3), sequence(object(oidData), explicit(octets(parts))), checksum)

		c, err := apns.Read(text, "")
		require.NoError(t, err, name)
		assert.Equal(t, leaf.Raw, c.DER(), name)
		assert.True(t, c.Matches(c.Key()), name)
		_, err = apns.Read(text, "x")
		require.ErrorIs(t, err, apns.ErrPassword, name)
		text[len(text)-30] ^= 1 // of the checksum
		_, err = apns.Read(text, "")
		assert.ErrorIs(t, err, apns.ErrPassword, "%s: damaged", name)
	}
}
