package abmtoken_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// openssl runs the command with that input.
func openssl(t testing.TB, input []byte, arguments ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the openssl command is needed")
		}
		t.Skip("the openssl command is not installed")
	}
	command := exec.Command("openssl", arguments...)
	command.Stdin = bytes.NewReader(input)
	var problem bytes.Buffer
	command.Stderr = &problem
	out, err := command.Output()
	require.NoError(t, err, "openssl %v: %s", arguments, problem.String())
	return out
}

// seeded is a source of chance that a failure can be repeated with.
func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func randomBytes(chance *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(chance.Uint32())
	}
	return b
}

// Whatever openssl encrypts to a certificate, in whichever of the forms that we read, opens to the same bytes.
func TestOpensWhatOpenSSLEncrypts(t *testing.T) {
	chance := seeded(t)
	certificate, pair := filepath.Join(vectorFolder, "keys", "acme.pem"), vectorKey(t, "acme")
	padding := func(hash, mask string) []string {
		return []string{"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:" + hash, "-keyopt", "rsa_mgf1_md:" + mask}
	}
	transports := map[string][]string{
		"rsaes-pkcs1-v1_5": nil, "rsaes-oaep-sha1": padding("sha1", "sha1"), "rsaes-oaep-sha256": padding("sha256", "sha256"),
		"rsaes-oaep-sha256-mgf1-sha1": padding("sha256", "sha1"),
	}
	ciphers := map[string]string{"aes128": "aes128-cbc", "aes192": "aes192-cbc", "aes256": "aes256-cbc", "des3": "des-ede3-cbc"}
	for command, cipher := range ciphers {
		for transport, options := range transports {
			for _, more := range []string{"", "-stream", "-keyid", "-stream -keyid"} {
				t.Run(fmt.Sprint(cipher, " ", transport, " ", more), func(t *testing.T) {
					plain := randomBytes(chance, chance.IntN(3000))
					arguments := append([]string{"cms", "-encrypt", "-binary", "-outform", "DER", "-" + command}, strings.Fields(more)...)
					arguments = append(arguments, "-recip", certificate)
					file := openssl(t, plain, append(arguments, options...)...)
					opensTo(t, file, pair, plain)
					opensTo(t, asMail(file, 1+chance.IntN(200), "\r\n"), pair, plain)
					envelope, err := abmtoken.ReadEnvelope(file)
					require.NoError(t, err)
					assert.Equal(t, cipher, envelope.Cipher())
					assert.Equal(t, transport, envelope.Recipients()[0].KeyTransport)
					assert.True(t, envelope.For(pair))
				})
			}
		}
		for _, form := range []string{"SMIME", "PEM", "DER"} {
			plain := randomBytes(chance, 1+chance.IntN(3000))
			arguments := []string{"smime", "-encrypt", "-binary", "-outform", form, "-" + command, certificate}
			opensTo(t, openssl(t, plain, arguments...), pair, plain)
		}
	}
}

func opensTo(t *testing.T, file []byte, pair abmtoken.KeyPair, plain []byte) {
	t.Helper()
	envelope, err := abmtoken.ReadEnvelope(file)
	require.NoError(t, err)
	opened, ok := envelope.Decrypt(pair)
	require.True(t, ok)
	require.True(t, bytes.Equal(plain, opened), "opened to other bytes")
}

// openssl takes our certificates, and opens what is made for them with our private key.
func TestOpenSSLTakesOurKeyPairs(t *testing.T) {
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	require.NoError(t, err)
	folder := t.TempDir()
	key, certificate := filepath.Join(folder, "key.pem"), filepath.Join(folder, "certificate.pem")
	require.NoError(t, os.WriteFile(key, []byte(pair.PrivateKeyPEM().Reveal()), 0o600))
	require.NoError(t, os.WriteFile(certificate, pair.CertificatePEM(), 0o600))
	file := openssl(t, []byte(tokenText), "smime", "-encrypt", "-binary", "-aes128", certificate)
	opensTo(t, file, pair, []byte(tokenText))
	assert.JSONEq(t, tokenText, string(openssl(t, file, "smime", "-decrypt", "-binary", "-inkey", key, "-recip", certificate)))
	openssl(t, nil, "verify", "-CAfile", certificate, "-check_ss_sig", certificate)
}

// The messages of smallstep/pkcs7 open with our reader to the bytes that it opens them to.
func TestOpensWhatTheOracleEncrypts(t *testing.T) {
	chance := seeded(t)
	pair := vectorKey(t, "acme")
	certificate, err := x509.ParseCertificate(pair.CertificateDER())
	require.NoError(t, err)
	other, err := x509.ParseCertificate(vectorKey(t, "other").CertificateDER())
	require.NoError(t, err)
	private := abmtoken.PrivateKey(pair)
	defer func(cipher int, hash crypto.Hash) {
		pkcs7.ContentEncryptionAlgorithm, pkcs7.KeyEncryptionHash = cipher, hash
		pkcs7.KeyEncryptionAlgorithm = pkcs7.OIDEncryptionAlgorithmRSA
	}(pkcs7.ContentEncryptionAlgorithm, pkcs7.KeyEncryptionHash)

	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		for _, cipher := range []int{pkcs7.EncryptionAlgorithmAES128CBC, pkcs7.EncryptionAlgorithmAES256CBC} {
			for _, hash := range []crypto.Hash{0, crypto.SHA1} { // OAEP with SHA-256 is compared with openssl
				pkcs7.ContentEncryptionAlgorithm = cipher
				pkcs7.KeyEncryptionAlgorithm = pkcs7.OIDEncryptionAlgorithmRSA
				if hash != 0 {
					pkcs7.KeyEncryptionAlgorithm, pkcs7.KeyEncryptionHash = pkcs7.OIDEncryptionAlgorithmRSAESOAEP, hash
				}
				plain := randomBytes(chance, chance.IntN(2000))
				file, err := pkcs7.Encrypt(plain, []*x509.Certificate{other, certificate})
				require.NoError(t, err)
				message, err := pkcs7.Parse(file)
				require.NoError(t, err)
				theirs, err := message.Decrypt(certificate, private)
				require.NoError(t, err)
				require.True(t, bytes.Equal(plain, theirs))
				opensTo(t, file, pair, plain)
			}
		}
	}
}

// Whatever a few bytes of a message are changed to, the reader answers with an error that it has a name for, or opens it.
func TestChangedMessagesAreReadOrRefused(t *testing.T) {
	chance := seeded(t)
	pair := vectorKey(t, "acme")
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	message := forged{pair: pair, plain: []byte(tokenText), chunk: 100}.der(t)
	interesting := []byte{0, 1, 0x02, 0x04, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0xa0, 0xff}
	for range rounds {
		changed := bytes.Clone(message)
		for range 1 + chance.IntN(3) {
			// Structure is in the first part; the rest is noise anyway.
			at := chance.IntN(len(changed))
			switch chance.IntN(4) {
			case 0:
				changed[at] = byte(chance.Uint32())
			case 1:
				changed[at] = interesting[chance.IntN(len(interesting))]
			case 2:
				changed = append(changed[:at], changed[at+1:]...)
			default:
				changed = append(changed[:at], append(randomBytes(chance, 1+chance.IntN(4)), changed[at:]...)...)
			}
		}
		envelope, err := abmtoken.ReadEnvelope(changed)
		mustBeKnown(t, err)
		if err == nil && chance.IntN(20) == 0 { // an RSA operation takes longer than all the rest
			_, _, err = envelope.Open(pair)
			mustBeKnown(t, err)
		}
	}
}
