package appletest_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func openssl(t *testing.T, arguments ...string) []byte {
	t.Helper()
	command := exec.Command("openssl", arguments...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// Every form of token file opens with openssl, which knows nothing of this package.
func TestOpenSSLOpensTheTokens(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the openssl command is needed")
		}
		t.Skip("the openssl command is not installed")
	}
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair().key)
	require.NoError(t, err)
	keyFile := filepath.Join(dir, "key.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	require.NoError(t, os.WriteFile(keyFile, block, 0o600))
	certFile := filepath.Join(dir, "cert.pem")
	require.NoError(t, os.WriteFile(certFile, pair().pem(), 0o600))

	s := newShop(t, appletest.Options{})
	for i, f := range formats() {
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			s.apple.Change(func(b *appletest.Behavior) { b.Token = f })
			file, _, err := s.admin.DownloadToken(s.service)
			require.NoError(t, err)
			tokenFile := filepath.Join(dir, fmt.Sprint(i, ".p7m"))
			require.NoError(t, os.WriteFile(tokenFile, file, 0o600))
			text := openssl(t, "smime", "-decrypt", "-in", tokenFile, "-inkey", keyFile, "-recip", certFile)
			require.Equal(t, 200, s.session(t, parseInner(t, text)).Status)

			assert.Equal(t, !f.Sample, bytes.Contains(text, []byte("-----BEGIN MESSAGE-----")))
			structure := string(openssl(t, "cms", "-cmsout", "-print", "-in", tokenFile))
			cipher := string(f.Cipher)
			if f.Cipher == "" {
				cipher = "aes-128-cbc"
			}
			assert.Contains(t, structure, "rsaEncryption")
			assert.Contains(t, structure, "issuerAndSerialNumber")
			assert.Contains(t, strings.ReplaceAll(structure, "aes-", "aes"), strings.ReplaceAll(cipher, "aes-", "aes"))
			structure = string(openssl(t, "asn1parse", "-in", derFile(t, file, dir), "-inform", "DER"))
			assert.Equal(t, f.DER, !strings.Contains(structure, "l=inf"))
		})
	}
}

func derFile(t *testing.T, file []byte, dir string) string {
	t.Helper()
	file = bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n"))
	_, encoded, found := bytes.Cut(file, []byte("\n\n"))
	require.True(t, found)
	name := filepath.Join(dir, "token.der")
	require.NoError(t, os.WriteFile(name, fromBase64(t, bytes.NewReader(encoded)), 0o600))
	return name
}

// formats are all token formats.
func formats() []appletest.TokenFormat {
	var out []appletest.TokenFormat
	for _, cipher := range []appletest.Cipher{
		"", appletest.AES128, appletest.AES192, appletest.AES256, appletest.TripleDES,
	} {
		for bits := range 8 {
			out = append(out, appletest.TokenFormat{
				Cipher: cipher, LF: bits&1 != 0, Sample: bits&2 != 0, DER: bits&4 != 0,
			})
		}
	}
	return out
}

func TestPKCS7OpensTheTokens(t *testing.T) {
	s := newShop(t, appletest.Options{})
	for _, f := range formats() {
		if f.Cipher == appletest.AES192 {
			continue // not in that library
		}
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			s.apple.Change(func(b *appletest.Behavior) { b.Token = f })
			require.Equal(t, 200, s.session(t, s.download(t, s.admin)).Status)
		})
	}
}

func TestUnknownCipherIsRefusedAndKillsNothing(t *testing.T) {
	s := newShop(t, appletest.Options{})
	s.apple.Change(func(b *appletest.Behavior) { b.Token.Cipher = "rc2" })
	_, _, err := s.admin.DownloadToken(s.service)
	require.ErrorContains(t, err, "rc2")
	require.Equal(t, 200, s.session(t, s.token).Status)
}

// Apple's documented sample breaks the JSON inside of strings.
func TestSampleFormBreaksInsideStrings(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{Token: appletest.TokenFormat{Sample: true}}})
	require.NotEmpty(t, s.token.ConsumerKey, "joined lines read")
	require.Greater(t, len(s.token.ConsumerKey), 76, "so a key of 99 characters must have been broken")
}
