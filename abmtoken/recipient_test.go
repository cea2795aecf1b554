package abmtoken_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

func readForged(t testing.TB, f forged) *abmtoken.Envelope {
	t.Helper()
	if f.plain == nil {
		f.plain = []byte(tokenText)
	}
	envelope, err := abmtoken.ReadEnvelope(f.der(t))
	require.NoError(t, err)
	return envelope
}

// attribute is a relative distinguished name of one attribute.
func attribute(t testing.TB, kind string, tag asn1.Tag, value string) []byte {
	return element(asn1.SET, element(asn1.SEQUENCE, oid(t, kind), element(tag, []byte(value))))
}

// Systems in between re-encode what a file names: another string type or a padded number is the same certificate.
func TestRecipientMatchesHoweverItIsEncoded(t *testing.T) {
	pair := vectorKey(t, "acme")
	number := []byte{0x5b, 0x1f, 0x9e, 0x0c, 0x7a, 0x2d, 0x4e, 0x61, 0x88, 0xaa, 0x30, 0xf1, 0xc2, 0xd3, 0xe4, 0xf5}
	named := func(tag asn1.Tag, organization string, serial []byte) *abmtoken.Envelope {
		issuer := element(asn1.SEQUENCE, attribute(t, "2.5.4.10", tag, organization), attribute(t, "2.5.4.3", tag, "Acme MDM"))
		return readForged(t, forged{pair: pair, id: element(asn1.SEQUENCE, issuer, element(asn1.INTEGER, serial))})
	}
	for _, tag := range []asn1.Tag{asn1.UTF8String, asn1.PrintableString, asn1.T61String} {
		for _, padding := range [][]byte{nil, {0}, {0, 0, 0}} {
			envelope := named(tag, "Acme Inc.", append(padding, number...))
			assert.True(t, envelope.For(pair))
			assert.Equal(t, pair.Recipient(), envelope.Recipients()[0].Recipient)
			assert.Equal(t, "5B1F9E0C7A2D4E6188AA30F1C2D3E4F5", envelope.Recipients()[0].Serial)
			_, _, err := envelope.Open(pair)
			require.NoError(t, err)
		}
	}
	assert.False(t, named(asn1.UTF8String, "Acme Inc", number).For(pair), "another organization")
	assert.False(t, named(asn1.UTF8String, "Acme Inc.", number[1:]).For(pair), "another number")
	assert.False(t, named(asn1.UTF8String, "Acme Inc.", append([]byte{0xff}, number...)).For(pair), "the negative of another number")
}

// The border between the parts of a name counts.
func TestRecipientsOfDifferentNamesDiffer(t *testing.T) {
	pair := vectorKey(t, "acme")
	seen := map[abmtoken.Recipient]string{}
	for _, name := range [][]byte{
		attribute(t, "2.5.4.3", asn1.UTF8String, "ab"),
		attribute(t, "2.5.4.10", asn1.UTF8String, "ab"),
		join(attribute(t, "2.5.4.3", asn1.UTF8String, "a"), attribute(t, "2.5.4.3", asn1.UTF8String, "b")),
		join(attribute(t, "2.5.4.3", asn1.UTF8String, ""), attribute(t, "2.5.4.3", asn1.UTF8String, "ab")),
		attribute(t, "2.5.4.3", asn1.UTF8String, "a\x00\x03\x55\x04\x03b"), // as the two of above, but for the lengths
		nil,
	} {
		for _, serial := range []string{"\x01", "\x02", "\x00\x80", "\x80", "\xff"} {
			envelope := readForged(t, forged{pair: pair, id: element(asn1.SEQUENCE, element(asn1.SEQUENCE, name), element(asn1.INTEGER, []byte(serial)))})
			r := envelope.Recipients()[0].Recipient
			require.Empty(t, seen[r])
			seen[r] = string(name) + serial
			assert.False(t, r.IsZero())
		}
	}
}

// A key identifier finds a key without its certificate, in each way in which senders derive one.
func TestKeyIdentifierFindsAKeyAlone(t *testing.T) {
	pair, keyOnly := vectorKey(t, "acme"), vectorKey(t, "acme.key")
	bits := x509.MarshalPKCS1PublicKey(publicKey(pair))
	older, newer := sha1.Sum(bits), sha256.Sum256(bits)
	for name, id := range map[string][]byte{"RFC 5280": older[:], "RFC 7093": newer[:20]} {
		for _, k := range []abmtoken.KeyPair{pair, keyOnly} {
			envelope := readForged(t, forged{pair: pair, id: element(tag0, id)})
			assert.True(t, envelope.For(k), name)
			_, _, err := envelope.Open(vectorKey(t, "one"), k)
			require.NoError(t, err, name)
		}
	}
	envelope := readForged(t, forged{pair: pair, id: element(tag0, newer[:19]), rsaBlock: make([]byte, 256)})
	assert.False(t, envelope.For(pair))
	_, _, err := envelope.Open(pair)
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	// In pieces, as BER has it.
	envelope = readForged(t, forged{pair: pair, id: streamed(tag0.Constructed(), element(asn1.OCTET_STRING, older[:9]), element(asn1.OCTET_STRING, older[9:]))})
	assert.True(t, envelope.For(keyOnly))
}

// Only the extension for it names the key, wherever it stands.
func TestKeyIdentifierOfTheCertificate(t *testing.T) {
	pair := vectorKey(t, "acme")
	extension := func(kind string, value []byte) []byte {
		return element(asn1.SEQUENCE, oid(t, kind), element(asn1.OCTET_STRING, value))
	}
	other, ours := extension("1.2.3", element(asn1.OCTET_STRING, []byte("other"))), extension("2.5.29.14", element(asn1.OCTET_STRING, []byte("ours")))
	named := func(id string) *abmtoken.Envelope {
		return readForged(t, forged{pair: pair, id: element(tag0, []byte(id))})
	}
	for name, behindKey := range map[string][]byte{
		"alone":                   element(asn1.Tag(0xa3), element(asn1.SEQUENCE, ours)),
		"behind another":          element(asn1.Tag(0xa3), element(asn1.SEQUENCE, other, ours)),
		"behind an issuer's name": join(element(asn1.Tag(0x81), []byte{0, 1}), element(asn1.Tag(0xa3), element(asn1.SEQUENCE, other, ours))),
	} {
		made, err := abmtoken.ImportKeyPair(keyFile(t, "acme.key"), forgedCertificate(t, pair, []byte{1}, nil, behindKey))
		require.NoError(t, err, name)
		assert.True(t, named("ours").For(made), name)
		assert.False(t, named("other").For(made), name)
		// The identifier means this pair for sure, although the serial number of its certificate may be that of others.
		broken := readForged(t, forged{pair: pair, id: element(tag0, []byte("ours")), rsaBlock: make([]byte, 256)})
		_, _, err = broken.Open(made)
		require.ErrorIs(t, err, abmtoken.ErrDecrypt, name)
	}
}

// A recipient of another kind, or with a method that we do not have, does not keep the right one from its token.
func TestOtherRecipientsAreNoHindrance(t *testing.T) {
	pair := vectorKey(t, "acme")
	unknown := element(asn1.SEQUENCE, oid(t, "1.2.3"))
	agreed := element(asn1.Tag(0xa1), element(asn1.INTEGER, []byte{3}))
	stranger := recipient(element(tag0, []byte("stranger")), unknown, []byte{1})
	ours := recipient(issuerAndSerial(t, pair), unknown, []byte{1})
	envelope := readForged(t, forged{pair: pair, more: [][]byte{agreed, stranger, ours}})
	kinds := envelope.Recipients()
	require.Len(t, kinds, 3)
	assert.Equal(t, []string{"unsupported", "unsupported", "rsaes-pkcs1-v1_5"},
		[]string{kinds[0].KeyTransport, kinds[1].KeyTransport, kinds[2].KeyTransport})
	_, _, err := envelope.Open(pair)
	require.NoError(t, err)
	_, _, err = envelope.Open(vectorKey(t, "other"))
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)

	_, err = abmtoken.ReadEnvelope(forged{pair: pair, plain: []byte(tokenText), transport: unknown, more: [][]byte{agreed}}.der(t))
	require.ErrorIs(t, err, abmtoken.ErrUnsupported)
	// Ours has a method that we do not have; another one has.
	envelope = readForged(t, forged{pair: pair, transport: unknown, more: [][]byte{recipient(element(tag0, []byte("x")),
		element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.1")), []byte{1})}})
	_, _, err = envelope.Open(pair)
	require.ErrorIs(t, err, abmtoken.ErrUnsupported)
}

func TestOnlyPlainDataIsRead(t *testing.T) {
	_, err := abmtoken.ReadEnvelope(forged{pair: vectorKey(t, "acme"), plain: []byte(tokenText), inside: "1.2.840.113549.1.7.2"}.der(t))
	require.ErrorIs(t, err, abmtoken.ErrUnsupported)
	require.ErrorContains(t, err, "not plain data")
}

func TestSixteenRecipientsAreEnough(t *testing.T) {
	pair := vectorKey(t, "acme")
	other := recipient(element(tag0, []byte("x")), element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.1")), []byte{1})
	var more [][]byte
	for range 15 {
		more = append(more, other)
	}
	_, _, err := readForged(t, forged{pair: pair, more: more}).Open(pair)
	require.NoError(t, err)
	_, err = abmtoken.ReadEnvelope(forged{pair: pair, plain: []byte(tokenText), more: append(more, other)}.der(t))
	require.ErrorIs(t, err, abmtoken.ErrUnsupported)
	require.ErrorContains(t, err, "more than 16 recipients")
}

// An issuer is shown on one line, whatever is in it.
func TestIssuersAreShownSafely(t *testing.T) {
	pair := vectorKey(t, "acme")
	shown := func(parts ...[]byte) string {
		envelope := readForged(t, forged{pair: pair, id: element(asn1.SEQUENCE, element(asn1.SEQUENCE, parts...), element(asn1.INTEGER, []byte{1}))})
		return envelope.Recipients()[0].Issuer
	}
	assert.Equal(t, "CN=a?b?c?d, ?=x", shown(attribute(t, "2.5.4.3", asn1.UTF8String, "a\nb\x1b"+"c\xffd"), attribute(t, "1.2.3", asn1.UTF8String, "x")))
	assert.Equal(t, "CN=J\u00fcrgen", shown(attribute(t, "2.5.4.3", asn1.UTF8String, "J\u00fcrgen")))
	assert.Empty(t, shown([]byte{5, 0}), "no name at all")
	long := shown(attribute(t, "2.5.4.3", asn1.UTF8String, strings.Repeat("\u00fc", 300)))
	assert.True(t, strings.HasSuffix(long, "...") && len(long) <= 256, long)
	assert.LessOrEqual(t, len(shown(join(attribute(t, "2.5.4.3", asn1.UTF8String, strings.Repeat("a", 200)), attribute(t, "2.5.4.10", asn1.UTF8String, strings.Repeat("b", 200)),
		attribute(t, "2.5.4.11", asn1.UTF8String, "c")))), 256)
}
