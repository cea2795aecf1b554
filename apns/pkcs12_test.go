package apns_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/abmrenew/abmrenew/apns"
)

func TestReadTakesPKCS12OfEveryAge(t *testing.T) {
	root, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	for name, encoder := range map[string]*pkcs12.Encoder{
		"RC2": pkcs12.LegacyRC2, "3DES": pkcs12.LegacyDES, "AES": pkcs12.Modern2023, "AES and PBMAC1": pkcs12.Modern2026,
		"many rounds": pkcs12.Modern2023.WithIterations(100_000),
	} {
		for _, password := range []string{"correct horse", "äöü€", ""} {
			file, err := encoder.Encode(keys()[2].Signer(), leaf, []*x509.Certificate{issuer.cert, root.cert}, password)
			require.NoError(t, err)
			got, err := apns.Read(file, password)
			require.NoError(t, err, "%s %q", name, password)
			assert.Equal(t, leaf.Raw, got.DER())
			assert.Len(t, got.Chain(), 2)
			assert.True(t, got.Matches(got.Key()))

			_, err = apns.Read(file, password+"x")
			assert.ErrorIs(t, err, apns.ErrPassword, "%s with a wrong password", name)
		}
	}
}

// openssl runs the command line of OpenSSL; CI has it.
func openssl(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the openssl command is missing; install it")
		}
		t.Skip("the openssl command is missing; install it to run this test")
	}
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	require.NoError(t, err, "openssl %v: %s", args, out)
}

func TestReadTakesPKCS12OfOpenSSL(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("key.pem"), keys()[2].RevealPEM(), 0o600))
	require.NoError(t, os.WriteFile(at("cert.pem"), inPEM(leaf), 0o600))
	require.NoError(t, os.WriteFile(at("ca.pem"), inPEM(issuer.cert), 0o600))
	for name, options := range map[string][]string{
		"today's": {}, "of old": {"-legacy"}, "plain certificates": {"-certpbe", "NONE"}, "SHA-512": {"-macalg", "sha512"},
		"3DES": {"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"},
	} {
		for _, password := range []string{"secret", ""} {
			args := []string{
				"pkcs12", "-export", "-inkey", at("key.pem"), "-in", at("cert.pem"), "-certfile", at("ca.pem"), "-out", at("all.p12"),
				"-passout", "pass:" + password, "-name", "push",
			}
			openssl(t, append(args, options...)...)
			file, err := os.ReadFile(at("all.p12"))
			require.NoError(t, err)
			got, err := apns.Read(file, password)
			require.NoError(t, err, "%s, password %q", name, password)
			assert.Equal(t, leaf.Raw, got.DER(), name)
			assert.True(t, got.Matches(got.Key()), name)
			_, err = apns.Read(file, "wrong")
			assert.ErrorIs(t, err, apns.ErrPassword, name)
		}
	}
}
