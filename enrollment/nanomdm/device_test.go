package nanomdm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/micromdm/plist"
	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"
)

// authority issues the identities of devices.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	cert, key := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Device CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	return authority{cert, key}
}

func issue(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

// device plays a Mac's part of the MDM protocol: it signs what it says (Mdm-Signature), checks in, and takes commands.
type device struct {
	url  string
	cert *x509.Certificate
	key  crypto.Signer
}

func (a authority) device(t *testing.T, url string) *device {
	t.Helper()
	cert, key := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Device"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &a)
	return &device{url, cert, key}
}

// say sends a message to the server and returns the answer.
func (d *device) say(t *testing.T, contentType string, message map[string]any) []byte {
	t.Helper()
	message["UDID"] = udid
	body, err := plist.Marshal(message)
	require.NoError(t, err)
	signed, err := pkcs7.NewSignedData(body)
	require.NoError(t, err)
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	require.NoError(t, signed.AddSigner(d.cert, d.key, pkcs7.SignerInfoConfig{}))
	signed.Detach()
	signature, err := signed.Finish()
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.url+"/mdm", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Mdm-Signature", base64.StdEncoding.EncodeToString(signature))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", text)
	return text
}

// enroll sends what a device sends when the enrollment profile is installed.
func (d *device) enroll(t *testing.T) {
	t.Helper()
	const checkIn = "application/x-apple-aspen-mdm-checkin"
	d.say(t, checkIn, map[string]any{
		"MessageType": "Authenticate", "Topic": "com.apple.mgmt.External.x", "SerialNumber": serial, "ProductName": "Mac14,2", "OSVersion": "26.1",
	})
	d.say(t, checkIn, map[string]any{
		"MessageType": "TokenUpdate", "Topic": "com.apple.mgmt.External.x", "PushMagic": "magic", "Token": []byte("token"),
	})
}

// ordered is a command as the device gets it.
type ordered struct {
	CommandUUID string
	Command     map[string]any
}

// connect answers a command, or says Idle, and takes the next; empty: there is none.
func (d *device) connect(t *testing.T, status, command string) ordered {
	t.Helper()
	m := map[string]any{"Status": status}
	if command != "" {
		m["CommandUUID"] = command
	}
	var next ordered
	if text := d.say(t, "application/x-apple-aspen-mdm", m); len(text) > 0 {
		require.NoError(t, plist.Unmarshal(text, &next))
	}
	return next
}

// queue has the server queue another command for the device.
func (d *device) queue(t *testing.T, requestType, command string) {
	t.Helper()
	body, err := plist.Marshal(ordered{command, map[string]any{"RequestType": requestType}})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.url+"/v1/enqueue/"+udid+"?nopush=1", bytes.NewReader(body))
	require.NoError(t, err)
	r.SetBasicAuth("nanomdm", apiKey)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}
