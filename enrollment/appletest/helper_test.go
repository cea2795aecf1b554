package appletest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

const base = "https://mdmenrollment.apple.com"

// keyPair is what a customer of Apple's would make.
type keyPair struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func (k keyPair) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.cert.Raw})
}

func newKeyPair(t testing.TB, bits int) keyPair {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return keyPair{key, selfSigned(t, key, key.Public())}
}

// pair is one key pair for all tests that do not care which.
var pair = sync.OnceValue(func() keyPair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return keyPair{key, selfSigned(nil, key, key.Public())}
})

func selfSigned(t testing.TB, signer, public any) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Acme MDM"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, signer)
	if err == nil {
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(der); err == nil {
			return cert
		}
	}
	if t == nil {
		panic(err)
	}
	require.NoError(t, err)
	return nil
}

func ecCertificate(t testing.TB) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return selfSigned(t, key, key.Public()).Raw
}

// credentials are the content of a token file.
type credentials struct {
	ConsumerKey    string    `json:"consumer_key"`
	ConsumerSecret string    `json:"consumer_secret"`
	AccessToken    string    `json:"access_token"`
	AccessSecret   string    `json:"access_secret"`
	Expiry         time.Time `json:"access_token_expiry"`
}

// open decrypts a token file with the library that Go programs use for it.
func open(t testing.TB, file []byte, k keyPair) credentials {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(file))
	require.NoError(t, err)
	kind, _, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "application/pkcs7-mime", kind)
	p7, err := pkcs7.Parse(fromBase64(t, message.Body))
	require.NoError(t, err)
	text, err := p7.Decrypt(k.cert, k.key)
	require.NoError(t, err)
	return parseInner(t, text)
}

func fromBase64(t testing.TB, r io.Reader) []byte {
	t.Helper()
	der, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, r))
	require.NoError(t, err)
	return der
}

func parseInner(t testing.TB, text []byte) credentials {
	t.Helper()
	inner, err := mail.ReadMessage(bytes.NewReader(text))
	require.NoError(t, err)
	body, err := io.ReadAll(inner.Body)
	require.NoError(t, err)
	var joined strings.Builder
	for line := range strings.Lines(string(body)) {
		if line = strings.TrimRight(line, "\r\n"); !strings.HasPrefix(line, "-----") {
			joined.WriteString(line)
		}
	}
	var c credentials
	require.NoError(t, json.Unmarshal([]byte(joined.String()), &c))
	return c
}

// shop is one organization with one service and its token.
type shop struct {
	apple   *appletest.Apple
	org     *appletest.Organization
	admin   *appletest.Admin
	service *appletest.Service
	token   credentials
}

func newShop(t testing.TB, o appletest.Options) *shop {
	t.Helper()
	apple := appletest.New(o)
	org := apple.AddOrganization("Acme Inc.")
	admin := org.AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	s := &shop{apple: apple, org: org, admin: admin, service: service}
	s.token = s.download(t, admin)
	return s
}

func (s *shop) download(t testing.TB, by *appletest.Admin) credentials {
	t.Helper()
	file, _, err := by.DownloadToken(s.service)
	require.NoError(t, err)
	return open(t, file, pair())
}

// reply is an answer that was read.
type reply struct {
	Status int
	Body   string
	Header http.Header
}

func (r reply) decode(t testing.TB, into any) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, r.Body)
	require.NoError(t, json.Unmarshal([]byte(r.Body), into))
}

// headers is a transport that sets what Apple wants on every request.
type headers struct {
	next    http.RoundTripper
	session string
	version string
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	defaults := map[string]string{
		"User-Agent": "appletest/1", "Content-Type": "application/json;charset=UTF8",
		"X-ADM-Auth-Session": h.session, "X-Server-Protocol-Version": h.version,
	}
	for name, value := range defaults {
		if r.Header.Get(name) == "" && value != "" {
			r.Header.Set(name, value)
		}
	}
	return h.next.RoundTrip(r)
}

// do sends a request and reads the answer.
func do(t testing.TB, transport http.RoundTripper, method, path, body string) reply {
	t.Helper()
	r, err := try(transport, method, path, body)
	require.NoError(t, err)
	return r
}

func try(transport http.RoundTripper, method, path, body string) (reply, error) {
	r, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text), resp.Header}, err
}

// signer is an honest OAuth 1.0a client over a transport.
func (s *shop) signer(c credentials, over http.RoundTripper) http.RoundTripper {
	config := &oauth1.Config{ConsumerKey: c.ConsumerKey, ConsumerSecret: c.ConsumerSecret, Realm: "ADM"}
	client := config.Client(oauth1.NoContext, oauth1.NewToken(c.AccessToken, c.AccessSecret))
	client.Transport.(*oauth1.Transport).Base = headers{next: over}
	return client.Transport
}

// session opens a session with a token; the answer is returned as it came.
func (s *shop) session(t testing.TB, c credentials) reply {
	t.Helper()
	return do(t, s.signer(c, s.apple.Transport()), "GET", "/session", "")
}

// connect opens a session and returns a transport that uses it, with protocol version 10.
func (s *shop) connect(t testing.TB) headers {
	t.Helper()
	var opened struct {
		Session string `json:"auth_session_token"`
	}
	s.session(t, s.token).decode(t, &opened)
	require.NotEmpty(t, opened.Session)
	return headers{next: s.apple.Transport(), session: opened.Session, version: "10"}
}
