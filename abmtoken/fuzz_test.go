package abmtoken_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// The targets open with one pair of the vectors, so that what one process finds interesting is so for the next too.

// mustBeKnown fails for an error that no caller could branch on, or that means a mistake of the reader.
func mustBeKnown(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, abmtoken.ErrInternal) {
		t.Fatal("the reader panicked")
	}
	for _, sentinel := range allSentinels {
		if err == nil || errors.Is(err, sentinel) {
			return
		}
	}
	t.Fatalf("an error without a sentinel: %v", err)
}

func FuzzReadEnvelope(f *testing.F) {
	for _, v := range vectors(f) {
		if len(v.file) < 8<<10 {
			f.Add(v.file)
		}
	}
	pair := vectorKey(f, "acme")
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		envelope, err := abmtoken.ReadEnvelope(in)
		if mustBeKnown(t, err); err == nil {
			_, _, err = envelope.Open(pair)
			mustBeKnown(t, err)
			if len(envelope.Recipients()) == 0 || envelope.Cipher() == "" {
				t.Fatal("an envelope for nobody")
			}
		}
		if !bytes.Equal(before, in) {
			t.Fatal("the file was changed")
		}
	})
}

// Fuzzed parts inside of a valid message get much deeper than bytes, of which nearly none is a message.
func FuzzForgedEnvelope(f *testing.F) {
	pair := vectorKey(f, "acme")
	id := []byte{0x80, 1, 1}
	f.Add([]byte(tokenText), uint16(0), uint16(0), uint8(0), uint8(76), []byte{}, []byte{}, []byte{}, []byte{})
	f.Add([]byte("-----BEGIN MESSAGE-----"), uint16(16), uint16(1), uint8(3), uint8(1), id, []byte{0x30, 0}, []byte{0x30, 0}, []byte("X: y"))
	oaep := element(asn1.SEQUENCE, oid(f, "1.2.840.113549.1.1.7"), element(asn1.SEQUENCE))
	f.Add([]byte(tokenText), uint16(3), uint16(100), uint8(1), uint8(200), issuerAndSerial(f, pair), oaep, []byte{}, []byte("\r\n"))
	blocks := map[string][]byte{}
	for name, c := range forgedCiphers { // one RSA operation each, and not one for every try
		block, err := rsa.EncryptPKCS1v15(nil, publicKey(pair), bytes.Repeat([]byte{0x17}, c.key)) //nolint:staticcheck // Apple's form
		if err != nil {
			f.Fatal(err)
		}
		blocks[name] = block
	}
	names := []string{"aes128-cbc", "aes192-cbc", "aes256-cbc", "des-ede3-cbc"}
	f.Fuzz(func(t *testing.T, plain []byte, cut, chunk uint16, kind, width uint8, id, transport, algorithm, header []byte) {
		message := forged{pair: pair, plain: plain, cut: int(cut), chunk: int(chunk), cipher: names[kind%4], rsaBlock: blocks[names[kind%4]]}
		whole := cut == 0
		if len(id) > 0 {
			message.id, whole = id, false
		}
		if len(transport) > 0 {
			message.transport, whole = transport, false
		}
		if len(algorithm) > 0 {
			message.content, whole = func() []byte { return algorithm }, false
		}
		if kind&4 != 0 {
			whole = whole && len(header) > 0 // a name of no bytes is none
			message.more = [][]byte{recipient(element(tag0, header), element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.1")), plain)}
		}
		der := message.der(t)
		file := asMail(der, int(width), "\n")
		switch {
		case kind&8 != 0:
			file = der
		case len(header) > 0:
			file, whole = append(header, file...), false
		}
		envelope, err := abmtoken.ReadEnvelope(file)
		mustBeKnown(t, err)
		if err != nil {
			if whole && len(der) < 64<<10 && int(chunk) > len(der)/4000 {
				t.Fatalf("a whole message was refused: %v", err)
			}
			return
		}
		token, _, err := envelope.Open(pair)
		mustBeKnown(t, err)
		if err == nil && token.IsZero() {
			t.Fatal("success without a token")
		}
	})
}

// FuzzPlaintext is about what comes after decryption, without the cost of it.
func FuzzPlaintext(f *testing.F) {
	for _, frame := range []string{"", "Content-Type: text/plain;charset=UTF-8\r\n\r\n", "-----BEGIN MESSAGE-----\n", "\ufeff"} {
		for _, end := range []string{"", "\n-----END MESSAGE-----\n", "}"} {
			f.Add([]byte(frame + tokenText + end))
		}
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		token, err := abmtoken.ReadDecrypted(plain)
		mustBeKnown(t, err)
		if err == nil {
			mustBeWhole(t, token)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add([]byte(tokenText))
	f.Add([]byte(`{"a":[1,{"b":null}],` + tokenText[1:]))
	f.Fuzz(func(t *testing.T, in []byte) {
		token, err := abmtoken.ParseToken(in)
		mustBeKnown(t, err)
		if err == nil {
			mustBeWhole(t, token)
		}
	})
}

// mustBeWhole checks what every token that was read has to hold, whatever it was read from.
func mustBeWhole(t *testing.T, token abmtoken.Token) {
	t.Helper()
	for _, text := range []string{
		token.ConsumerKey(), token.ConsumerSecret().Reveal(), token.AccessToken().Reveal(), token.AccessSecret().Reveal(),
	} {
		if text == "" || len(text) > 1024 {
			t.Fatalf("a field of %d bytes", len(text))
		}
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Fatal("a field that is not printable ASCII")
			}
		}
	}
	if token.Expires().Year() < 2010 || token.Expires().Year() >= 2100 {
		t.Fatal("an expiry out of bounds")
	}
	again, err := abmtoken.ParseToken([]byte(token.JSON().Reveal()))
	if err != nil || abmtoken.Compare(token, again).Relation != abmtoken.Identical {
		t.Fatal("what was read is not read again")
	}
}

func FuzzImportKeyPair(f *testing.F) {
	keys, err := filepath.Glob(filepath.Join(vectorFolder, "keys", "*.pem"))
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(vectorFolder, "keys", "acme.key.pem"))
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(good)
	for _, name := range keys {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(block.Bytes, text, false)
		if other, _ := pem.Decode(text); other != nil {
			f.Add(other.Bytes, other.Bytes, true)
		}
	}
	// The key is fuzzed below its armour; the certificate with or without.
	f.Fuzz(func(t *testing.T, key, certificate []byte, raw bool) {
		armour := "PRIVATE KEY"
		if raw {
			armour = "RSA PRIVATE KEY"
		}
		pair, err := abmtoken.ImportKeyPair(pem.EncodeToMemory(&pem.Block{Type: armour, Bytes: key}), certificate)
		if mustBeKnown(t, err); err != nil {
			return
		}
		if pair.HasCertificate() == pair.Recipient().IsZero() || len(pair.ID()) != 64 {
			t.Fatal("a pair with half a certificate")
		}
		again, err := abmtoken.ImportKeyPair([]byte(pair.PrivateKeyPEM().Reveal()), pair.CertificatePEM())
		if err != nil || again.ID() != pair.ID() || again.Recipient() != pair.Recipient() {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}

// FuzzForgedCertificate puts fuzzed parts around the public key of a pair, so that more than noise is read.
func FuzzForgedCertificate(f *testing.F) {
	pair := vectorKey(f, "acme")
	name := attribute(f, "2.5.4.3", asn1.UTF8String, "Acme MDM")
	keyID := element(asn1.SEQUENCE, element(asn1.SEQUENCE, oid(f, "2.5.29.14"), element(asn1.OCTET_STRING, element(asn1.OCTET_STRING, []byte("key")))))
	f.Add([]byte{1}, name, []byte{}, []byte{})
	f.Add([]byte{0x83, 0}, name, element(asn1.Tag(0xa3), keyID), element(asn1.SEQUENCE))
	f.Add([]byte{}, []byte{}, element(asn1.Tag(0x82), []byte{0, 1}), []byte{0})
	f.Fuzz(func(t *testing.T, serial, issuer, behindKey, behind []byte) {
		der := forgedCertificate(t, pair, serial, issuer, behindKey)
		made, err := abmtoken.WithCertificate(pair, append(bytes.Clone(der), behind...))
		if mustBeKnown(t, err); err != nil {
			return
		}
		if made.ID() != pair.ID() || made.Recipient().IsZero() || !bytes.Equal(made.CertificateDER(), der) {
			t.Fatal("another pair or certificate")
		}
		// A file that names this certificate is for this pair.
		id := element(asn1.SEQUENCE, element(asn1.SEQUENCE, issuer), element(asn1.INTEGER, serial))
		envelope, err := abmtoken.ReadEnvelope(forged{pair: pair, plain: []byte(tokenText), id: id, rsaBlock: make([]byte, 256)}.der(t))
		if err == nil && !envelope.For(made) {
			t.Fatal("the file does not find its pair")
		}
	})
}
