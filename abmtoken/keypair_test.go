package abmtoken_test

import (
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/abmtoken"
)

var keyTime = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

func generated(t *testing.T, o abmtoken.KeyOptions) (abmtoken.KeyPair, *x509.Certificate) {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = keyTime
	}
	pair, err := abmtoken.GenerateKeyPair(o)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(pair.CertificateDER())
	require.NoError(t, err)
	return pair, c
}

func TestSerialNumbersAreRandomPositiveAndOf128Bits(t *testing.T) {
	seen := map[string]bool{}
	var ones, zeros = new(big.Int), new(big.Int)
	for range 10_000 {
		serial := abmtoken.SerialNumber()
		require.Equal(t, 1, serial.Sign())
		require.Len(t, serial.Bytes(), 16)
		require.Less(t, serial.Bytes()[0], byte(0x80), "it takes 16 bytes in DER too")
		require.False(t, seen[serial.String()], "a serial number twice")
		seen[serial.String()] = true
		ones.Or(ones, serial)
		zeros.Or(zeros, new(big.Int).Not(serial))
	}
	for bit := range 126 {
		assert.True(t, ones.Bit(bit) == 1 && zeros.Bit(bit) == 1, "bit %d never changes", bit)
	}
}

func TestCertificateHoldsForTenYears(t *testing.T) {
	pair, c := generated(t, abmtoken.KeyOptions{Name: "Acme MDM"})
	assert.Equal(t, keyTime.Add(-time.Hour), c.NotBefore, "clocks differ")
	assert.Equal(t, keyTime.AddDate(10, 0, 0), c.NotAfter)
	assert.Equal(t, "CN=Acme MDM", c.Subject.String())
	assert.Equal(t, c.Subject.String(), c.Issuer.String())
	require.NoError(t, c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature), "signed by itself")
	assert.True(t, pair.UniqueRecipient())
	assert.NotEmpty(t, pair.CertificateFingerprint())
	assert.Len(t, pair.Recipient().String(), 64)

	_, other := generated(t, abmtoken.KeyOptions{Name: "Acme MDM"})
	assert.NotEqual(t, c.SerialNumber, other.SerialNumber)
	large, _ := generated(t, abmtoken.KeyOptions{Bits: 3072})
	assert.Equal(t, 3072, publicKey(large).Size()*8)
}

func TestNoKeyPairIsMadeOfWrongOptions(t *testing.T) {
	for name, o := range map[string]abmtoken.KeyOptions{
		"1024 bits": {Bits: 1024, Now: keyTime}, "4096 bits": {Bits: 4096, Now: keyTime}, "negative": {Bits: -1, Now: keyTime},
		"no time": {}, "a far time": {Now: time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		pair, err := abmtoken.GenerateKeyPair(o)
		require.ErrorIs(t, err, abmtoken.ErrBadKey, name)
		assert.True(t, pair.IsZero(), name)
	}
}

func TestCertificateNameIsMadeFit(t *testing.T) {
	for name, want := range map[string]string{
		"": "Device management service", " \t\n": "Device management service", "Müller & Söhne": "Müller & Söhne",
		"a\x00b\r\nc\xff": "abc", strings.Repeat("ü", 100): strings.Repeat("ü", 64), strings.Repeat("a", 63) + " b": strings.Repeat("a", 63),
	} {
		_, c := generated(t, abmtoken.KeyOptions{Name: name})
		assert.Equal(t, want, c.Subject.CommonName, "%q", name)
	}
}

// What was stored of a pair opens what was made for it.
func TestKeyPairSurvivesItsTextForm(t *testing.T) {
	pair, _ := generated(t, abmtoken.KeyOptions{Name: "Acme MDM"})
	again, err := abmtoken.ImportKeyPair([]byte(pair.PrivateKeyPEM().Reveal()), pair.CertificatePEM())
	require.NoError(t, err)
	assert.Equal(t, []string{pair.ID(), pair.CertificateFingerprint(), pair.Recipient().String()},
		[]string{again.ID(), again.CertificateFingerprint(), again.Recipient().String()})
	_, _, err = abmtoken.Open(forged{pair: pair, plain: []byte(tokenText)}.der(t), keyTime, again)
	require.NoError(t, err)
}

func TestZeroKeyPairIsNobody(t *testing.T) {
	var zero abmtoken.KeyPair
	assert.True(t, zero.IsZero() && zero.PrivateKeyPEM().IsZero() && zero.Recipient().IsZero())
	assert.False(t, zero.HasCertificate() || zero.UniqueRecipient())
	assert.Empty(t, zero.ID()+zero.CertificateFingerprint()+zero.Recipient().String())
	assert.Nil(t, zero.CertificatePEM())
	assert.Nil(t, zero.CertificateDER())
	pair := vectorKey(t, "acme")
	envelope, err := abmtoken.ReadEnvelope(forged{pair: pair, plain: []byte(tokenText)}.der(t))
	require.NoError(t, err)
	assert.False(t, envelope.For(zero))
	_, _, err = envelope.Open(zero)
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	_, _, err = envelope.Open()
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
}

// A caller who changes what he was given changes nothing.
func TestKeyPairNeverChanges(t *testing.T) {
	pair := vectorKey(t, "acme")
	before := pair.CertificateFingerprint()
	clear(pair.CertificateDER())
	clear(pair.CertificatePEM())
	assert.Equal(t, before, pair.CertificateFingerprint())
}

// Windows takes these for devices, whatever the extension.
var windowsDevices = strings.Fields("con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 conin$ conout$ clock$")

func checkFileName(t interface {
	Fatalf(format string, args ...any)
}, server string) {
	name := abmtoken.FileName(server)
	stem, found := strings.CutSuffix(name, ".pem")
	if !found || stem == "" || len(name) > 80 || strings.Trim(stem, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
		strings.Trim(stem, "-") != stem {
		t.Fatalf("the server %q got the file name %q", server, name)
	}
	for _, device := range windowsDevices {
		if stem == device {
			t.Fatalf("the server %q got the device %q", server, name)
		}
	}
}

func TestFileNamesAreSafeEverywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkFileName(t, rapid.String().Draw(t, "server")) })
	for _, device := range windowsDevices {
		for _, server := range []string{device, strings.ToUpper(device), " " + device, device + ".", device + ".pem", "../" + device, device + "\x00"} {
			checkFileName(t, server)
		}
	}
	for server, want := range map[string]string{
		"Acme MDM": "acme-mdm.pem", "": "server.pem", "...": "server.pem", "日本": "server.pem", "../../etc/passwd": "etc-passwd.pem",
		`C:\Windows\x`: "c-windows-x.pem", "NUL": "server-nul.pem", "com1": "server-com1.pem", "com10": "com10.pem", "-a--b-": "a-b.pem",
		".hidden": "hidden.pem", strings.Repeat("a", 200): strings.Repeat("a", 60) + ".pem", strings.Repeat("a", 59) + " b": strings.Repeat("a", 59) + ".pem",
	} {
		assert.Equal(t, want, abmtoken.FileName(server), "%q", server)
	}
}
