package apns_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/abmrenew/abmrenew/apns"
)

// A file says itself how much work its password is. If the work were done before it is looked at, these tests would take
// hours.
func TestPKCS12WithAbsurdRoundsIsRefusedBeforeAnyWork(t *testing.T) {
	_, issuer := apple(t)
	const honest = 0x010203
	mark, absurd := []byte{2, 3, 1, 2, 3}, []byte{2, 3, 0x7f, 0xff, 0xff}
	for name, encoder := range map[string]*pkcs12.Encoder{
		"3DES": pkcs12.LegacyDES, "AES": pkcs12.Modern2023, "AES and PBMAC1": pkcs12.Modern2026,
	} {
		file, err := encoder.WithIterations(honest).Encode(keys()[2].Signer(), issuer.issue(t, order{}), nil, "secret")
		require.NoError(t, err)
		_, err = apns.Read(file, "secret")
		require.NoError(t, err, name)
		places := bytes.Count(file, mark)
		require.GreaterOrEqual(t, places, 3, "certificates, key and checksum")
		for at, from := 0, 0; at < places; at++ {
			from += bytes.Index(file[from:], mark)
			changed := bytes.Clone(file)
			copy(changed[from:], absurd)
			_, err := apns.Read(changed, "secret")
			require.ErrorIs(t, err, apns.ErrUnsupported, "%s, place %d", name, at)
			require.ErrorContains(t, err, "absurd", "%s, place %d", name, at)
			from += len(mark)
		}
	}
}

// What an encrypted part holds is seen only when it is open. So no private key in one is ever opened.
func TestPKCS12WithAHiddenKeyIsRefusedBeforeAnyWork(t *testing.T) {
	_, issuer := apple(t)
	honest, err := pkcs12.Modern2023.Encode(keys()[2].Signer(), issuer.issue(t, order{}), nil, "secret")
	require.NoError(t, err)
	hidden := encrypted(bag(oidShrouded, shrouded(math.MaxInt32)))
	open := plain(bag(oidShrouded, shrouded(1)))
	for name, file := range map[string][]byte{
		"only a hidden one":            file(hidden),
		"a hidden one after an open":   file(open, hidden),
		"a hidden one before an open":  file(hidden, open),
		"two open ones":                file(plain(bag(oidShrouded, shrouded(1)), bag(oidShrouded, shrouded(1)))),
		"too many parts":               file(open, open, open),
		"too many bags":                file(plain(bytes.Repeat(bag(asn1.ObjectIdentifier{1, 2, 3}, nil), 100))),
		"a part in an unknown wrapper": file(sequence(object(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}), explicit(octets(nil)))),
		"no parts":                     file(),
		"more behind it":               append(bytes.Clone(honest), 0),
		"cut":                          honest[:len(honest)-5],
	} {
		_, err := apns.Read(file, "")
		require.Error(t, err, name)
		assert.NotErrorIs(t, err, apns.ErrPassword, name)
	}
}

// FuzzPKCS12 changes the parts of a file that can be seen.
func FuzzPKCS12(f *testing.F) {
	f.Add(plain(bag(oidShrouded, shrouded(1))), encrypted(bag(oidShrouded, shrouded(2))))
	f.Add(encrypted(nil), plain())
	f.Fuzz(func(t *testing.T, one, two []byte) {
		_, _ = apns.Read(file(one, two), "")
	})
}

// FuzzRead reads anything.
func FuzzRead(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Add(keys()[2].RevealPEM())
	f.Add(file(plain(bag(oidShrouded, shrouded(1)))))
	f.Add([]byte("0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := apns.Read(text, "x")
		if err != nil {
			return
		}
		report := apns.Inspect(c, apns.Inspection{Now: today, Before: c})
		if len(report.Findings) == 0 || c.String() == "" {
			t.Error("no report")
		}
		if again, err := apns.ParseCertificate(c.DER()); err != nil || again.Fingerprint() != c.Fingerprint() {
			t.Error("what was read does not read again")
		}
	})
}

var (
	oidShrouded  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidPBES2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidSHA256    = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidData      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncrypted = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	salt         = []byte("saltsalt")
	iv           = make([]byte, aes.BlockSize)
)

func built(add func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	add(&b)
	return b.BytesOrPanic()
}

func wrap(t tag.Tag, parts ...[]byte) []byte {
	return built(func(b *cryptobyte.Builder) {
		b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	})
}

func sequence(parts ...[]byte) []byte { return wrap(tag.SEQUENCE, parts...) }
func explicit(parts ...[]byte) []byte {
	return wrap(tag.Tag(0).ContextSpecific().Constructed(), parts...)
}
func octets(content []byte) []byte { return wrap(tag.OCTET_STRING, content) }
func object(id asn1.ObjectIdentifier) []byte {
	return built(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id) })
}
func number(n int64) []byte { return built(func(b *cryptobyte.Builder) { b.AddASN1Int64(n) }) }

// aes256 is the algorithm of encryption by a password (RFC 8018).
func aes256(rounds int64) []byte {
	return sequence(object(oidPBES2), sequence(
		sequence(object(oidPBKDF2), sequence(octets(salt), number(rounds), sequence(object(oidSHA256)))),
		sequence(object(oidAES256), octets(iv))))
}

func shrouded(rounds int64) []byte {
	return sequence(aes256(rounds), octets(make([]byte, 32)))
}

func bag(kind asn1.ObjectIdentifier, value []byte) []byte {
	return sequence(object(kind), explicit(value))
}

func plain(bags ...[]byte) []byte {
	return sequence(object(oidData), explicit(octets(sequence(bags...))))
}

// encrypted is a part that really opens, with the empty password.
func encrypted(bags ...[]byte) []byte {
	text := sequence(bags...)
	pad := aes.BlockSize - len(text)%aes.BlockSize
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	key, err := pbkdf2.Key(sha256.New, "", salt, 1, 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	info := sequence(object(oidData), aes256(1), wrap(tag.Tag(0).ContextSpecific(), text))
	return sequence(object(oidEncrypted), explicit(sequence(number(0), info)))
}

// file is a .p12 file without a checksum, as files with the empty password may be.
func file(parts ...[]byte) []byte {
	return sequence(number(3), sequence(object(oidData), explicit(octets(sequence(parts...)))))
}

// The files above are not refused for being wrong in another way: an honest one built like them reads.
func TestHostileFilesAreWellFormed(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	key, err := x509.MarshalPKCS8PrivateKey(keys()[2].Signer())
	require.NoError(t, err)
	cert := bag(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3},
		sequence(object(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}), explicit(octets(leaf.Raw))))
	open := plain(bag(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}, key))
	for name, file := range map[string][]byte{"key first": file(open, encrypted(cert)), "key last": file(encrypted(cert), open)} {
		got, err := apns.Read(file, "")
		require.NoError(t, err, name)
		assert.True(t, got.Matches(got.Key()), name)
	}
}
