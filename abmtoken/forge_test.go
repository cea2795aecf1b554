package abmtoken_test

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// element encodes an element with its length in front.
func element(tag asn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(parts...)) })
	return b.BytesOrPanic()
}

// streamed encodes an element without a length, as senders do that do not know it yet.
func streamed(tag asn1.Tag, parts ...[]byte) []byte {
	return slices.Concat([]byte{byte(tag), 0x80}, slices.Concat(parts...), []byte{0, 0})
}

func oid(t testing.TB, dotted string) []byte {
	o, err := x509.ParseOID(dotted)
	require.NoError(t, err)
	inside, err := o.MarshalBinary()
	require.NoError(t, err)
	return element(asn1.OBJECT_IDENTIFIER, inside)
}

const tag0 = asn1.Tag(0x80)

// forged is an enveloped message with every part in the test's hand. The zero parts are what Apple sends.
type forged struct {
	pair      abmtoken.KeyPair
	plain     []byte
	cipher    string        // as Envelope.Cipher says it; empty: aes128-cbc
	key       []byte        // the content's key; nil: one that fits
	wrappedAs []byte        // what is in the RSA block; nil: the key
	rsaBlock  []byte        // the encrypted key; nil: made of the above
	padding   []byte        // nil: a right one
	mangle    func([]byte)  // changes the ciphertext
	cut       int           // bytes taken off the ciphertext's end
	iv        []byte        // nil: one that fits
	id        []byte        // the recipient's name as an element; nil: issuer and serial of the pair
	transport []byte        // the algorithm of the key transport as an element; nil: PKCS #1 v1.5
	more      [][]byte      // other recipients, before the one
	chunk     int           // the size of the content's pieces; 0: one piece, in DER
	inside    string        // the type of the content; empty: plain data
	nest      bool          // the pieces are in further pieces, as BER allows
	content   func() []byte // the algorithm of the content as an element; nil: by cipher and iv
}

type forgedCipher struct {
	oid        string
	key, block int
	open       func([]byte) (cipher.Block, error)
}

var forgedCiphers = map[string]forgedCipher{
	"aes128-cbc":   {"2.16.840.1.101.3.4.1.2", 16, 16, aes.NewCipher},
	"aes192-cbc":   {"2.16.840.1.101.3.4.1.22", 24, 16, aes.NewCipher},
	"aes256-cbc":   {"2.16.840.1.101.3.4.1.42", 32, 16, aes.NewCipher},
	"des-ede3-cbc": {"1.2.840.113549.3.7", 24, 8, des.NewTripleDESCipher},
}

// recipient is one RecipientInfo.
func recipient(id, transport, block []byte) []byte {
	version := byte(0)
	if asn1.Tag(id[0]) == tag0 {
		version = 2
	}
	return element(asn1.SEQUENCE, element(asn1.INTEGER, []byte{version}), id, transport, element(asn1.OCTET_STRING, block))
}

// issuerAndSerial is how a file names the certificate of the pair.
func issuerAndSerial(t testing.TB, pair abmtoken.KeyPair) []byte {
	der := cryptobyte.String(pair.CertificateDER())
	var tbs, issuer, serial, ignored cryptobyte.String
	require.True(t, der.ReadASN1(&der, asn1.SEQUENCE) && der.ReadASN1(&tbs, asn1.SEQUENCE) &&
		tbs.ReadASN1Element(&ignored, asn1.Tag(0xa0)) && tbs.ReadASN1Element(&serial, asn1.INTEGER) &&
		tbs.ReadASN1(&ignored, asn1.SEQUENCE) && tbs.ReadASN1Element(&issuer, asn1.SEQUENCE))
	return element(asn1.SEQUENCE, issuer, serial)
}

func publicKey(pair abmtoken.KeyPair) *rsa.PublicKey { return &abmtoken.PrivateKey(pair).PublicKey }

// der builds the message.
func (f forged) der(t testing.TB) []byte {
	t.Helper()
	c := forgedCiphers[f.cipher]
	if f.cipher == "" {
		c = forgedCiphers["aes128-cbc"]
	}
	key, iv, id, transport := f.key, f.iv, f.id, f.transport
	if key == nil {
		key = bytes.Repeat([]byte{0x17}, c.key)
	}
	if iv == nil {
		iv = bytes.Repeat([]byte{0x42}, c.block)
	}
	block := f.rsaBlock
	if block == nil {
		wrapped := f.wrappedAs
		if wrapped == nil {
			wrapped = key
		}
		var err error
		block, err = rsa.EncryptPKCS1v15(rand.Reader, publicKey(f.pair), wrapped) //nolint:staticcheck // Apple's form
		require.NoError(t, err)
	}
	if id == nil {
		id = issuerAndSerial(t, f.pair)
	}
	if transport == nil {
		transport = element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.1"), element(asn1.NULL))
	}
	algorithm := element(asn1.SEQUENCE, oid(t, c.oid), element(asn1.OCTET_STRING, iv))
	if f.content != nil {
		algorithm = f.content()
	}
	text := f.ciphertext(t, c, key, iv)
	wrap, body := element, element(tag0, text)
	if f.chunk > 0 {
		var pieces [][]byte
		for piece := range slices.Chunk(text, f.chunk) {
			pieces = append(pieces, element(asn1.OCTET_STRING, piece))
		}
		if f.nest {
			const inPieces = asn1.OCTET_STRING | 0x20
			pieces = [][]byte{streamed(inPieces, element(inPieces, pieces[0]), streamed(inPieces, pieces[1])), element(inPieces, pieces[2:]...)}
		}
		wrap, body = streamed, streamed(tag0.Constructed(), pieces...)
	}
	return wrap(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.7.3"), wrap(tag0.Constructed(), wrap(asn1.SEQUENCE,
		element(asn1.INTEGER, []byte{0}), element(asn1.SET, append(f.more, recipient(id, transport, block))...),
		wrap(asn1.SEQUENCE, oid(t, cmp.Or(f.inside, "1.2.840.113549.1.7.1")), algorithm, body))))
}

func (f forged) ciphertext(t testing.TB, c forgedCipher, key, iv []byte) []byte {
	padding := f.padding
	if padding == nil {
		n := c.block - len(f.plain)%c.block
		padding = bytes.Repeat([]byte{byte(n)}, n)
	}
	text := slices.Concat(f.plain, padding)
	text = text[:len(text)/c.block*c.block]
	b, err := c.open(fit(key, c.key))
	require.NoError(t, err)
	cipher.NewCBCEncrypter(b, fit(iv, c.block)).CryptBlocks(text, text)
	text = text[:len(text)-min(f.cut, len(text))]
	if f.mangle != nil {
		f.mangle(text)
	}
	return text
}

// fit cuts or fills bytes, so that a wrong length can be announced and something encrypted nevertheless.
func fit(b []byte, n int) []byte { return append(bytes.Clone(b), make([]byte, n)...)[:n] }

const tokenText = `{"consumer_key":"CK_1","consumer_secret":"CS_1","access_token":"AT_1","access_secret":"AS_1",` +
	`"access_token_expiry":"2027-11-24T21:27:41Z"}`

// asMail puts a message into the form in which the portal sends it, with lines of that width.
func asMail(der []byte, width int, lineEnd string) []byte {
	var b strings.Builder
	for _, line := range []string{
		`Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data`, "Content-Transfer-Encoding: base64", "",
	} {
		b.WriteString(line + lineEnd)
	}
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(der)), max(width, 1)) {
		b.Write(line)
		b.WriteString(lineEnd)
	}
	return []byte(b.String())
}

// subjectKeyID is what the pair's certificate calls its key.
func subjectKeyID(t testing.TB, pair abmtoken.KeyPair) []byte {
	c, err := x509.ParseCertificate(pair.CertificateDER())
	require.NoError(t, err)
	return c.SubjectKeyId
}

// forgedCertificate is a certificate for the pair's key. Behind the key come identifiers and extensions.
func forgedCertificate(t testing.TB, pair abmtoken.KeyPair, serial, issuer, behindKey []byte) []byte {
	public, err := x509.MarshalPKIXPublicKey(publicKey(pair))
	require.NoError(t, err)
	algorithm := element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.11"))
	name := element(asn1.SEQUENCE, issuer)
	tbs := element(asn1.SEQUENCE, element(asn1.Tag(0xa0), element(asn1.INTEGER, []byte{2})), element(asn1.INTEGER, serial), algorithm,
		name, element(asn1.SEQUENCE), name, public, behindKey)
	return element(asn1.SEQUENCE, tbs, algorithm, element(asn1.BIT_STRING, []byte{0}))
}
