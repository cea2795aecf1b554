package apnshttp_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns/apnshttp"
)

// seen is a push as it arrived.
type seen struct {
	method, path, protocol, body string
	version                      uint16
	certificates                 int
	header                       http.Header
}

// record lets a client push once and returns what arrived.
func record(t *testing.T) seen {
	t.Helper()
	var got seen
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.URL.Path, r.TLS.NegotiatedProtocol, string(body), r.TLS.Version, len(r.TLS.PeerCertificates), r.Header}
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client, err := apnshttp.New(apnshttp.Options{Address: s.Listener.Addr().String(), Loopback: true, RootCAs: roots})
	require.NoError(t, err)
	defer client.Close()
	r, err := client.Push(t.Context(), newWorld(t, nil).good(), apnshttp.Device{Token: []byte{0xab, 0xcd}, Magic: "M"})
	require.NoError(t, err)
	require.Equal(t, apnshttp.Accepted, r.Outcome)
	return got
}

// comments are the comments of a file, as one line, so that it shows what a fact in it rests on.
func comments(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var said []string
	for _, m := range regexp.MustCompile(`(?m)//(?:nolint\S*)? ?(.*)$`).FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[1])
	}
	return strings.Join(said, " ")
}

// Each row is a fact about Apple's push service that this package stands on. The file that rests on it names the document
// and its date; where Apple documents nothing, it names who was seen to do so. A row that fails means that either the code
// or the fact has changed.
func TestAppleDocs(t *testing.T) {
	got := record(t)
	for _, fact := range []struct {
		file, document, says string
		holds                func(t *testing.T)
	}{
		{"doc.go", "Apple, Device Management documentation, June 2025", "certificates only, no tokens", func(t *testing.T) {
			assert.Equal(t, 1, got.certificates)
			assert.Empty(t, got.header.Get("Authorization"))
		}},
		{"dial.go", "Apple, Establishing a connection to APNs, 2026", "HTTP/2 over TLS 1.2 or later", func(t *testing.T) {
			assert.Equal(t, "h2", got.protocol)
			assert.GreaterOrEqual(t, got.version, uint16(tls.VersionTLS12))
		}},
		{"client.go", "Apple, Device Management documentation, June 2025", "POST /3/device/ and the token in hex; the body is the magic and nothing else", func(t *testing.T) {
			assert.Equal(t, "POST /3/device/"+hex.EncodeToString([]byte{0xab, 0xcd}), got.method+" "+got.path)
			assert.JSONEq(t, `{"mdm":"M"}`, got.body)
		}},
		{"client.go", "Apple, Device Management documentation, June 2025", "topic, type mdm, priority 10", func(t *testing.T) {
			assert.Equal(t, []string{topic, "mdm", "10"},
				[]string{got.header.Get("apns-topic"), got.header.Get("apns-push-type"), got.header.Get("apns-priority")})
		}},
		{"options.go", "Apple, Device Management documentation, June 2025", "ports 443 and 2197, no other", func(t *testing.T) {
			assert.Equal(t, "api.push.apple.com", apnshttp.Host)
			for port, right := range map[int]bool{0: true, 443: true, 2197: true, 80: false, 2195: false, -1: false} {
				_, err := apnshttp.New(apnshttp.Options{Port: port})
				assert.Equal(t, right, err == nil, port)
			}
		}},
		{"client.go", "Apple, Device Management documentation, June 2025", "accepted is not delivered; of several pushes the newest is kept", func(t *testing.T) {
			w := newWorld(t, nil)
			device := apnshttp.Device(w.push.AddDevice(topic))
			for range 2 { // so a push may be repeated
				r, err := w.client.Push(t.Context(), w.good(), device)
				require.NoError(t, err)
				assert.Equal(t, apnshttp.Accepted, r.Outcome)
			}
		}},
		{"client.go", "what MDM servers observe, not what Apple documents", "certificate and topic are looked at before the device", func(t *testing.T) {
			TestHandshakeProbeAndPush(t)
		}},
		{"outcome.go", "sideshow/apns2 and go-apple-dm in 2026", "the 32 reasons; only 410 says that a device is gone", func(t *testing.T) {
			TestADeviceThatIsGone(t)
			TestADeviceOfAnotherTopic(t)
		}},
		{"farewell.go", "as NanoMDM observes, 2026", "a connection ends with a reason in JSON", TestGoAwayReasons},
	} {
		t.Run(fact.file+": "+fact.says, func(t *testing.T) {
			assert.Contains(t, comments(t, fact.file), fact.document, "say beside the fact where it comes from")
			fact.holds(t)
		})
	}
}
