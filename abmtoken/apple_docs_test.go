package abmtoken_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Each test of this file pins a fact about Apple, in our words, with the document that says it and the date as of which it
// was read. "Examining Server Tokens" and "Authenticating with a device management service" are pages of Apple's developer
// documentation, Device Management; "Link to a third-party device management service" is one of the Apple Business guide
// (support.apple.com, axm1c1be359d).

// samplePlain is the decrypted text in the shape of the sample: header, JSON, and nothing else, in lines of 76 columns.
func samplePlain(values ...string) []byte {
	if len(values) == 0 {
		values = []string{vectorCK, vectorCS, vectorAT, vectorAS, "2015-01-14T21:27:41Z"}
	}
	json := `{"consumer_key":"` + values[0] + `","consumer_secret":"` + values[1] + `","access_token":"` + values[2] +
		`","access_secret":"` + values[3] + `","access_token_expiry":"` + values[4] + `"}`
	var b strings.Builder
	b.WriteString("Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n")
	for ; len(json) > 76; json = json[76:] {
		b.WriteString(json[:76] + "\r\n")
	}
	return []byte(b.String() + json + "\r\n")
}

// "Examining Server Tokens", June 2025: the header fields are Content-Type, Content-Transfer-Encoding, Content-Disposition
// and Content-Description in this order, without MIME-Version; base64 follows in lines of 76.
func TestAppleDocs_HeaderOfTheSample(t *testing.T) {
	lines := strings.Split(string(vectors(t)["apple-sample"].file), "\n")
	assert.Equal(t, []string{
		`Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data`, "Content-Transfer-Encoding: base64",
		`Content-Disposition: attachment; filename="smime.p7m"`, "Content-Description: S/MIME Encrypted Message", "",
	}, lines[:5])
	assert.Len(t, lines[5], 76)
	_, _, err := abmtoken.Open(vectors(t)["apple-sample"].file, vectorsNow, vectorKey(t, "negative"))
	require.NoError(t, err)
}

// The same page, June 2025, shows the Content-Type broken within a word: whoever copies the sample has a line "data" above
// the blank line.
func TestAppleDocs_ContentTypeBrokenInAWord(t *testing.T) {
	pair := vectorKey(t, "negative")
	file := asMail(forged{pair: pair, plain: samplePlain(), chunk: 512}.der(t), 76, "\n")
	broken := bytes.Replace(file, []byte("enveloped-data"), []byte("enveloped-\ndata"), 1)
	require.NotEqual(t, file, broken)
	_, err := abmtoken.ReadEnvelope(broken)
	require.NoError(t, err)
}

// The sample of the same page, June 2025, decoded: BER with indefinite lengths on ContentInfo, [0], EnvelopedData and
// EncryptedContentInfo; a constructed [0] with the content in pieces; version 0; one recipient of version 0 by issuer and
// serial number, the latter negative (it begins with the byte 0x83); rsaEncryption with NULL; AES-128 in CBC mode with an IV
// of 16 bytes; plain data inside.
func TestAppleDocs_StructureOfTheSample(t *testing.T) {
	_, text, _ := strings.Cut(string(vectors(t)["apple-sample"].file), "\n\n")
	der, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
	require.NoError(t, err)
	indefinite := []byte{0x30, 0x80}
	at := func(part []byte) int { return bytes.Index(der, part) }
	assert.Equal(t, 0, at(append(indefinite, oid(t, "1.2.840.113549.1.7.3")...)), "ContentInfo")
	assert.Equal(t, 13, at([]byte{0xa0, 0x80, 0x30, 0x80, 2, 1, 0, 0x31}), "[0], EnvelopedData, version 0, recipients")
	assert.Positive(t, at([]byte{2, 16, 0x83}), "a serial number without a byte for its sign")
	assert.Positive(t, at(append(oid(t, "1.2.840.113549.1.1.1"), 5, 0, 4, 0x82)), "rsaEncryption, NULL, the key")
	encrypted := append(indefinite, oid(t, "1.2.840.113549.1.7.1")...)
	assert.Positive(t, at(encrypted), "EncryptedContentInfo of data")
	algorithm := append(oid(t, "2.16.840.1.101.3.4.1.2"), 4, 16)
	assert.Positive(t, at(algorithm), "AES-128-CBC with its IV")
	pieces := der[at(algorithm)+len(algorithm)+16:]
	assert.Equal(t, []byte{0xa0, 0x80, 4}, pieces[:3], "the content in pieces")
	assert.True(t, bytes.HasSuffix(der, make([]byte, 8)), "four ends of contents")

	_, err = asn1.Unmarshal(der, new(asn1.RawValue))
	require.Error(t, err, "it is no DER")
	_, err = x509.ParseCertificate(vectorKey(t, "negative").CertificateDER())
	require.Error(t, err, "the standard library refuses such a serial number")

	envelope, err := abmtoken.ReadEnvelope([]byte(text))
	require.NoError(t, err)
	to := envelope.Recipients()
	require.Len(t, to, 1)
	assert.Equal(t, "CN=Negative MDM", to[0].Issuer)
	assert.Equal(t, "-7C5F9E0C7A2D4E6188AA30F1C2D3E4F5", to[0].Serial)
	assert.Equal(t, []string{"rsaes-pkcs1-v1_5", "aes128-cbc"}, []string{to[0].KeyTransport, envelope.Cipher()})
}

// The same page, June 2025: the decrypted text has a MIME header, then JSON without the lines BEGIN MESSAGE and END MESSAGE,
// broken at 76 columns within its texts. Its token has a consumer key of 96 digits and an expiry one year after the issue.
func TestAppleDocs_PlaintextOfTheSample(t *testing.T) {
	pair := vectorKey(t, "negative")
	file := asMail(forged{pair: pair, plain: samplePlain(), chunk: 512}.der(t), 76, "\r\n")
	issue := time.Date(2014, time.January, 14, 21, 27, 41, 0, time.UTC)
	token, _, err := abmtoken.Open(file, issue, pair)
	require.NoError(t, err)
	assert.Equal(t, vectorCK, token.ConsumerKey())
	assert.Equal(t, vectorAT, token.AccessToken().Reveal())
	assert.Equal(t, issue.AddDate(1, 0, 0), token.Expires())
	assert.Equal(t, 365, token.DaysLeft(issue))
}

// The same page, June 2025, gives the fields prefixes and hex digits, of which nothing may be concluded: other parts of
// Apple's documentation have other lengths.
func TestAppleDocs_FieldsAreOpaque(t *testing.T) {
	_, err := abmtoken.ParseToken([]byte(`{"consumer_key":"x","consumer_secret":"~!","access_token":"a b","access_secret":"{}","access_token_expiry":"2027-11-24T21:27:41Z"}`))
	require.NoError(t, err)
}

// "Authenticating with a device management service", June 2025: Apple takes a PEM-encoded X.509 certificate. "Link to a
// third-party device management service", September 2026: in a file that ends with .pem or .der. RSA with 2048 bits and
// SHA-256, for key encipherment and signatures, is what the servers in use send.
func TestAppleDocs_CertificateForThePortal(t *testing.T) {
	now := time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: now})
	require.NoError(t, err)
	block, rest := pem.Decode(pair.CertificatePEM())
	require.NotNil(t, block)
	assert.Empty(t, rest)
	assert.Equal(t, "CERTIFICATE", block.Type)
	assert.Equal(t, pair.CertificateDER(), block.Bytes)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, 3, c.Version)
	assert.Equal(t, 2048, publicKey(pair).Size()*8)
	assert.Equal(t, x509.SHA256WithRSA, c.SignatureAlgorithm)
	assert.Equal(t, x509.KeyUsageKeyEncipherment|x509.KeyUsageDigitalSignature, c.KeyUsage)
	assert.False(t, c.IsCA)
	assert.True(t, strings.HasSuffix(abmtoken.FileName("Acme MDM"), ".pem"))
}

// "Link to a third-party device management service", September 2026: a token ends after one year; the same service gives a
// new one, which is another set of credentials with a later expiry.
func TestAppleDocs_TokensLastAYear(t *testing.T) {
	parse := func(values ...string) abmtoken.Token {
		token, err := abmtoken.ReadDecrypted(samplePlain(values...))
		require.NoError(t, err)
		return token
	}
	old := parse("CK_1", "CS_1", "AT_1", "AS_1", "2026-11-24T21:27:41Z")
	renewed := parse("CK_1", "CS_2", "AT_2", "AS_2", "2027-11-24T21:27:41Z")
	assert.Equal(t, abmtoken.Comparison{Relation: abmtoken.Newer}, abmtoken.Compare(old, renewed))
	assert.Equal(t, renewed.Expires(), old.Expires().AddDate(1, 0, 0))
}
