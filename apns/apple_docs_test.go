package apns_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

// comments are the comments of a file, as one line.
func comments(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var said []string
	for _, m := range regexp.MustCompile(`(?m)// ?(.*)$`).FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[1])
	}
	return strings.Join(said, " ")
}

// portalFile is a file for the portal, taken apart.
type portalFile struct {
	Request   string `plist:"PushCertRequestCSR"`
	Chain     string `plist:"PushCertCertificateChain"`
	Signature string `plist:"PushCertSignature"`
}

func aPortalFile(t *testing.T) (parsed portalFile, vendorKey apns.Key) {
	t.Helper()
	der, signed, key := signedRequest(t)
	file, err := apns.PortalFile(der, signed)
	require.NoError(t, err)
	list, err := base64.StdEncoding.DecodeString(string(file))
	require.NoError(t, err, "the whole list is in base64")
	require.NoError(t, plist.Unmarshal(list, &parsed))
	return parsed, key
}

// Each row is a fact about Apple that this package stands on. The file that rests on it names the document, or whose
// certificate or program was looked at, and the date. A row that fails means that either the code or the fact has changed.
func TestAppleDocs(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	for _, fact := range []struct {
		file, document, says string
		holds                func(t *testing.T)
	}{
		{"certificate.go", "Certificates in use; NanoMDM reads it so, 2026", "the topic is the UID of the subject", func(t *testing.T) {
			assert.Equal(t, topic, read(t, inPEM(leaf)).Topic())
		}},
		{"inspect.go", "NanoMDM, 2026", "topics of MDM begin with com.apple.mgmt", func(t *testing.T) {
			app := issuer.issue(t, order{change: func(c *x509.Certificate) { c.Subject = subject("com.acme.app") }})
			assert.Equal(t, map[string]apns.Verdict{apns.CheckTopic: apns.Fail},
				found(apns.Inspect(read(t, inPEM(app)), apns.Inspection{Now: today})))
		}},
		{"inspect.go", "a certificate in use, 2021", "the issuer's name", func(t *testing.T) {
			report := apns.Inspect(read(t, inPEM(leaf)), apns.Inspection{Now: today, RequireApple: true})
			assert.Empty(t, found(report))
			assert.Equal(t, "Apple Application Integration 2 Certification Authority", read(t, inPEM(leaf)).Issuer())
		}},
		{"inspect.go", "go-apple-dm, 2026-09", "the chain ends in Apple Root CA, by its SHA-256", func(t *testing.T) {
			text, err := os.ReadFile("inspect.go")
			require.NoError(t, err)
			assert.Contains(t, string(text), `"b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024"`)
			TestInspectFollowsTheChain(t)
		}},
		{"vendor.go", "go-apple-dm, 2026-09", "the vendor's intermediate is WWDR G3, by its SHA-256", func(t *testing.T) {
			text, err := os.ReadFile("vendor.go")
			require.NoError(t, err)
			assert.Contains(t, string(text), `"dcf21878c77f4198e4b4614f03d696d89c66c66008d4244e1b99161aac91601f"`)
		}},
		{"vendor.go", "Apple, Device Management documentation, June 2025", "the vendor signs the request in DER, PKCS #1 v1.5 and SHA-256", func(t *testing.T) {
			file, key := aPortalFile(t)
			request, err := base64.StdEncoding.DecodeString(file.Request)
			require.NoError(t, err)
			signature, err := base64.StdEncoding.DecodeString(file.Signature)
			require.NoError(t, err)
			sum := sha256.Sum256(request)
			assert.NoError(t, rsa.VerifyPKCS1v15(key.Public(), crypto.SHA256, sum[:], signature))
		}},
		{"portalfile.go", "Apple, Device Management documentation, June 2025", "the list has request, chain and signature", func(t *testing.T) {
			file, _ := aPortalFile(t)
			assert.NotContains(t, []string{file.Request, file.Chain, file.Signature}, "")
		}},
		{"portalfile.go", "Apple, Device Management documentation, June 2025", "lines of the PEM in it have exactly 64 characters", func(t *testing.T) {
			file, _ := aPortalFile(t)
			lines := strings.Split(strings.TrimSpace(file.Chain), "\n")
			for i, line := range lines {
				if last := strings.HasPrefix(lines[min(i+1, len(lines)-1)], "-----END"); !strings.HasPrefix(line, "-----") && !last {
					assert.Len(t, line, 64)
				}
			}
		}},
		{"request.go", "certificates in use; micromdm's mdmcertutil, 2026", "RSA-2048 and PKCS #10; the name is for people", func(t *testing.T) {
			file, _ := aPortalFile(t)
			der, err := base64.StdEncoding.DecodeString(file.Request)
			require.NoError(t, err)
			request, err := x509.ParseCertificateRequest(der)
			require.NoError(t, err)
			assert.Equal(t, 2048, request.PublicKey.(*rsa.PublicKey).N.BitLen())
		}},
		{"continuity.go", "vendors' documents, 2026", "Renew keeps the topic, Create makes another one", TestPain24_AnotherTopicIsRefused},
	} {
		t.Run(fact.file+": "+fact.says, func(t *testing.T) {
			assert.Contains(t, comments(t, fact.file), fact.document, "say beside the fact where it comes from")
			fact.holds(t)
		})
	}
}
