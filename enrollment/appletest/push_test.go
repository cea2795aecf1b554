package appletest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mdmTopic = "com.apple.mgmt.External.0bc63c26-8bbf-4b6e-9c2e-6d8c9d8a6a3f"

var pushKey = sync.OnceValue(newRSA)

// request makes the file for the portal by hand, and not with our own library.
func request(t *testing.T, chain, vendorKey []byte, change func(map[string]string)) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, pushKey())
	require.NoError(t, err)
	block, _ := pem.Decode(vendorKey)
	vendor, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	sum := sha256.Sum256(der)
	signature, err := rsa.SignPKCS1v15(rand.Reader, vendor, crypto.SHA256, sum[:])
	require.NoError(t, err)
	values := map[string]string{
		"PushCertRequestCSR":       base64.StdEncoding.EncodeToString(der),
		"PushCertCertificateChain": string(chain),
		"PushCertSignature":        base64.StdEncoding.EncodeToString(signature),
	}
	if change != nil {
		change(values)
	}
	list := `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>`
	for key, value := range values {
		list += "<key>" + key + "</key><string>" + value + "</string>"
	}
	return []byte(base64.StdEncoding.EncodeToString([]byte(list + "</dict></plist>")))
}

// Fact 6.3: Renew keeps the topic, Create gives a new one, and another Apple Account cannot renew.
func TestPushPortal(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	push := New(Options{Now: func() time.Time { return now }}).Push()
	chain, key := push.Vendor("Acme RMM")
	account := push.Account("it@acme.example")
	first, err := account.Create(request(t, chain, key, nil))
	require.NoError(t, err)
	assert.Regexp(t, `^com\.apple\.mgmt\.External\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, first.Topic)
	now = now.AddDate(0, 11, 0)
	renewed, err := account.Renew(first.Topic, request(t, chain, key, nil))
	require.NoError(t, err)
	assert.Equal(t, first.Topic, renewed.Topic)
	assert.NotEqual(t, first.Serial, renewed.Serial)
	assert.True(t, renewed.NotAfter.After(first.NotAfter))
	other, err := account.Create(request(t, chain, key, nil))
	require.NoError(t, err)
	assert.NotEqual(t, first.Topic, other.Topic)
	assert.Len(t, account.Certificates(), 2)
	_, err = push.Account("new@acme.example").Renew(first.Topic, request(t, chain, key, nil))
	require.ErrorIs(t, err, ErrPushUnknown)

	// Fact 6.1: what is in a certificate.
	block, rest := pem.Decode(renewed.PEM)
	assert.Empty(t, rest, "the file has the certificate alone")
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, "APSP:"+strings.TrimPrefix(first.Topic, "com.apple.mgmt.External."), cert.Subject.CommonName)
	assert.Equal(t, "Apple Application Integration 2 Certification Authority", cert.Issuer.CommonName)
	assert.Equal(t, x509.KeyUsageDigitalSignature, cert.KeyUsage)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, cert.ExtKeyUsage)
	assert.Equal(t, []string{"http://crl.apple.com/aai2ca.crl"}, cert.CRLDistributionPoints)
	assert.Equal(t, x509.SHA256WithRSA, cert.SignatureAlgorithm)
	assert.Equal(t, 365*24*time.Hour, cert.NotAfter.Sub(cert.NotBefore))
}

// Fact 6.2: the portal takes a request with the signature of a vendor whom Apple knows, and nothing else.
func TestPushPortalRefuses(t *testing.T) {
	push := New(Options{}).Push()
	chain, key := push.Vendor("Acme RMM")
	foreignChain, _ := push.Vendor("Other RMM")
	account := push.Account("it@acme.example")
	end := bytes.Index(chain, []byte("-----END CERTIFICATE-----\n")) + len("-----END CERTIFICATE-----\n")
	for name, change := range map[string]func(map[string]string){
		"no request":        func(v map[string]string) { delete(v, "PushCertRequestCSR") },
		"no signature":      func(v map[string]string) { delete(v, "PushCertSignature") },
		"another's chain":   func(v map[string]string) { v["PushCertCertificateChain"] = string(foreignChain) },
		"vendor alone":      func(v map[string]string) { v["PushCertCertificateChain"] = string(chain[:end]) },
		"no base64":         func(v map[string]string) { v["PushCertRequestCSR"] = "?" },
		"signature changed": func(v map[string]string) { v["PushCertSignature"] = "AAAA" },
		"damaged chain": func(v map[string]string) {
			v["PushCertCertificateChain"] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
		},
	} {
		_, err := account.Create(request(t, chain, key, change))
		require.ErrorIs(t, err, ErrPushRequest, name)
	}
	for _, file := range []string{"", "<plist/>", base64.StdEncoding.EncodeToString([]byte("<plist><dict><key>x</key></dict></plist>"))} {
		_, err := account.Create([]byte(file))
		require.ErrorIs(t, err, ErrPushRequest, file)
	}
	assert.Empty(t, account.Certificates())
}

// asker speaks to the service with the HTTP/2 library alone.
type asker struct {
	*http.Client
}

func newAsker(push *Push, certificate *x509.Certificate, dial func(context.Context, string, string) (net.Conn, error)) asker {
	config := &tls.Config{RootCAs: push.Roots(), NextProtos: []string{"h2"}, ServerName: "api.push.apple.com"}
	if certificate != nil {
		own := tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: pushKey()}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	return asker{&http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tls.Client(raw, config), nil
		},
	}}}
}

func (a asker) ask(t *testing.T, method, path, body string, header map[string]string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://api.push.apple.com"+path, strings.NewReader(body))
	require.NoError(t, err)
	for key, value := range header {
		r.Header.Set(key, value)
	}
	answer, err := a.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/2.0", answer.Proto)
	return fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(text)))
}

// Facts 6.5 and 6.6: what is asked for, and the reasons of refusals.
func TestPushServiceAnswers(t *testing.T) {
	push := New(Options{}).Push()
	now := time.Now()
	good := push.Issue(&pushKey().PublicKey, mdmTopic, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	a := newAsker(push, good, push.Dial)
	device, foreign, gone := push.AddDevice(mdmTopic), push.AddDevice("com.apple.mgmt.External.2"), push.AddDevice(mdmTopic)
	push.RemoveDevice(gone)
	to := func(d PushDevice) string { return "/3/device/" + hex.EncodeToString(d.Token) }
	body := `{"mdm":"` + device.Magic + `"}`

	assert.Equal(t, "200 ", a.ask(t, "POST", to(device), body, map[string]string{"apns-topic": mdmTopic, "apns-push-type": "mdm", "apns-priority": "10"}))
	assert.Equal(t, "200 ", a.ask(t, "POST", to(device), body, nil), "headers may be left out")
	require.Len(t, push.Sent(), 2)
	assert.Equal(t, device.Magic, push.Sent()[0].Magic)

	for want, got := range map[string]string{
		`400 {"reason":"BadDeviceToken"}`:         a.ask(t, "POST", "/3/device/00", body, nil),
		`400 {"reason":"MissingDeviceToken"}`:     a.ask(t, "POST", "/3/device/", body, nil),
		`400 {"reason":"DeviceTokenNotForTopic"}`: a.ask(t, "POST", to(foreign), body, nil),
		`400 {"reason":"TopicDisallowed"}`:        a.ask(t, "POST", to(device), body, map[string]string{"apns-topic": "com.acme"}),
		`400 {"reason":"InvalidPushType"}`:        a.ask(t, "POST", to(device), body, map[string]string{"apns-push-type": "alert"}),
		`400 {"reason":"BadPriority"}`:            a.ask(t, "POST", to(device), body, map[string]string{"apns-priority": "7"}),
		`400 {"reason":"PayloadEmpty"}`:           a.ask(t, "POST", to(device), "", nil),
		`404 {"reason":"BadPath"}`:                a.ask(t, "POST", "/4/device/00", body, nil),
		`405 {"reason":"MethodNotAllowed"}`:       a.ask(t, "GET", to(device), "", nil),
		`413 {"reason":"PayloadTooLarge"}`:        a.ask(t, "POST", to(device), strings.Repeat("x", 4097), nil),
	} {
		assert.Equal(t, want, got)
	}
	assert.Regexp(t, `^410 \{"reason":"Unregistered","timestamp":\d{13}\}$`, a.ask(t, "POST", to(gone), body, nil))
	assert.Len(t, push.Sent(), 2, "what is refused is not sent")
}

func TestPushServiceRefusesCertificates(t *testing.T) {
	push := New(Options{}).Push()
	now := time.Now()
	device := push.AddDevice(mdmTopic)
	path := "/3/device/" + hex.EncodeToString(device.Token)
	revoked := push.Issue(&pushKey().PublicKey, mdmTopic, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	push.Revoke(PushCertificate{Serial: strings.ToUpper(revoked.SerialNumber.Text(16))})
	foreign := *revoked
	der, err := x509.CreateCertificate(rand.Reader, &foreign, &foreign, &pushKey().PublicKey, pushKey())
	require.NoError(t, err)
	selfSigned, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		certificate *x509.Certificate
		want        string
	}{
		"none":          {nil, `403 {"reason":"MissingProviderToken"}`},
		"expired":       {push.Issue(&pushKey().PublicKey, mdmTopic, now.AddDate(-1, 0, 0), now.Add(-time.Hour)), `403 {"reason":"BadCertificate"}`},
		"not yet valid": {push.Issue(&pushKey().PublicKey, mdmTopic, now.Add(time.Hour), now.AddDate(1, 0, 0)), `403 {"reason":"BadCertificate"}`},
		"revoked":       {revoked, `403 {"reason":"BadCertificate"}`},
		"another's":     {selfSigned, `403 {"reason":"BadCertificate"}`},
	} {
		assert.Equal(t, c.want, newAsker(push, c.certificate, push.Dial).ask(t, "POST", path, "{}", nil), name)
	}
}

func TestPushServiceOverASocket(t *testing.T) {
	push := New(Options{}).Push()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- push.Serve(l) }()
	good := push.Issue(&pushKey().PublicKey, mdmTopic, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	a := newAsker(push, good, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	})
	assert.Equal(t, `400 {"reason":"BadDeviceToken"}`, a.ask(t, "POST", "/3/device/00", "{}", nil))
	push.Fail(PushFault{Status: 503, Reason: "Shutdown", RetryAfter: "5"})
	assert.Equal(t, `503 {"reason":"Shutdown"}`, a.ask(t, "POST", "/3/device/00", "{}", nil))
	a.CloseIdleConnections()
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-served, net.ErrClosed)
}
