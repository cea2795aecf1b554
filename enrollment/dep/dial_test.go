package dep_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// resolver answers every question for IPv4 addresses with one that the function gives, in the process.
func resolver(address func() string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close() //nolint:errcheck // a pipe
			for {
				var size [2]byte
				if _, err := io.ReadFull(server, size[:]); err != nil {
					return
				}
				question := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(server, question); err != nil {
					return
				}
				answer := dnsAnswer(question, netip.MustParseAddr(address()))
				if _, err := server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
					return
				}
			}
		}()
		return client, nil
	}}
}

// dnsAnswer answers one question (RFC 1035, 4.1): an A record for an IPv4 address, an AAAA record for another.
func dnsAnswer(question []byte, addr netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5 // the root, type and class
	kind := binary.BigEndian.Uint16(question[end-4:])
	out := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end]...)
	if kind != 1 && addr.Is4() || kind != 28 && addr.Is6() {
		return out
	}
	out[7] = 1
	out = append(out, 0xc0, 12)
	out = binary.BigEndian.AppendUint16(out, kind)
	out = append(out, 0, 1, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(addr.BitLen()/8))
	return append(out, addr.AsSlice()...)
}

func verify(t *testing.T, o dep.Options) error {
	t.Helper()
	v, err := dep.NewVerifier(o)
	require.NoError(t, err)
	_, err = v.Account(t.Context(), anyToken(t))
	return err
}

// A resolver that is poisoned leads Apple's name to the inside of the host's network.
func TestThreat09_AppleIsNotInside(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
	} {
		err := verify(t, dep.Options{Resolver: resolver(func() string { return address })})
		require.ErrorIs(t, err, dep.ErrAddress, address)
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
		assert.Equal(t, enrollment.Retry, dep.Outcome(err))
	}
}

// A name that leads to the service first, and elsewhere when it is asked again.
func TestThreat09_ANameThatIsReboundLeadsNowhere(t *testing.T) {
	server := httptest.NewServer(text(200, "{}"))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	var address atomic.Value
	address.Store("127.0.0.1")
	o := dep.Options{
		BaseURL: "https://apple.test:" + port, Loopback: true,
		Resolver: resolver(func() string { return address.Load().(string) }),
	}
	err = verify(t, o)
	require.Error(t, err)
	require.NotErrorIs(t, err, dep.ErrAddress, "loopback is where a test's service is; it speaks no TLS, though")
	require.ErrorContains(t, err, "HTTP response to HTTPS client")
	for _, elsewhere := range []string{"169.254.169.254", "10.0.0.1", "17.253.144.10", "::ffff:169.254.169.254"} {
		address.Store(elsewhere)
		require.ErrorIs(t, verify(t, o), dep.ErrAddress, elsewhere)
	}
}

// Numbers that some resolvers take for addresses, and addresses in other clothes.
func TestThreat09_AddressesInDisguise(t *testing.T) {
	metadata := resolver(func() string { return "169.254.169.254" })
	for _, host := range []string{
		"2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.254.169.254.", "169.254.169.254",
		"[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "[::]", "0.0.0.0",
	} {
		err := verify(t, dep.Options{BaseURL: "https://" + host, Loopback: true, Resolver: metadata})
		if strings.Trim(host, "0123456789.") == "" && strings.HasPrefix(err.Error(), "dep: no answer") && strings.Contains(err.Error(), "no such host") {
			err = dep.ErrAddress // Go does not even look numbers up
		}
		require.ErrorIs(t, err, dep.ErrAddress, host)
		_, err = dep.NewVerifier(dep.Options{BaseURL: "http://" + host, Loopback: true})
		require.ErrorIs(t, err, dep.ErrOptions, "without TLS, %s", host)
		_, err = dep.NewVerifier(dep.Options{BaseURL: "https://" + host})
		require.ErrorIs(t, err, dep.ErrOptions, "outside of tests, %s", host)
	}
}

func TestBaseURLs(t *testing.T) {
	for _, base := range []string{
		"http://mdmenrollment.apple.com", "https://mdmenrollment.apple.com:8443", "https://mdmenrollment.apple.com@evil.example", "https://evil.example",
	} {
		_, err := dep.NewVerifier(dep.Options{BaseURL: base})
		require.ErrorIs(t, err, dep.ErrOptions, base)
	}
	for _, base := range []string{
		"ftp://localhost", "https://", "localhost", "https://a:b@localhost", "https://localhost/x", "https://localhost?a=b", "https://localhost#a",
		"http://example.com", "http://localhost.example.com", "http:localhost", "https://\x00", "http://2130706433", "http://0x7f.1",
	} {
		_, err := dep.NewVerifier(dep.Options{BaseURL: base, Loopback: true})
		require.ErrorIs(t, err, dep.ErrOptions, base)
	}
	for _, base := range []string{"", dep.DefaultBaseURL} {
		_, err := dep.NewVerifier(dep.Options{BaseURL: base})
		require.NoError(t, err, base)
	}
	for _, base := range []string{"http://localhost:1", "http://127.0.0.9", "http://[::1]:80/", "https://apple.test", "http://[::ffff:127.0.0.1]"} {
		_, err := dep.NewVerifier(dep.Options{BaseURL: base, Loopback: true})
		require.NoError(t, err, base)
	}
	for _, o := range []dep.Options{{Timeout: -1}, {MaxAnswer: -1}, {MaxPage: -1}, {Proxy: &url.URL{Scheme: "socks5", Host: "a"}}, {Proxy: &url.URL{Scheme: "http"}}} {
		_, err := dep.NewVerifier(o)
		require.ErrorIs(t, err, dep.ErrOptions)
	}
}

// The environment of a process is not who decides where credentials go.
func TestThreat09_AProxyIsTheHostsDecision(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	transport, err := dep.NewTransport(dep.Options{})
	require.NoError(t, err)
	assert.Nil(t, transport.Proxy)

	var connects []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connects = append(connects, fmt.Sprint(r.Method, " ", r.Host, " ", len(r.Header["Authorization"])))
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	to, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	err = verify(t, dep.Options{Proxy: to})
	require.Error(t, err)
	require.NotErrorIs(t, err, dep.ErrAddress)
	require.NotErrorIs(t, err, abmtoken.ErrAccessDenied, "it is not Apple who says Forbidden")
	assert.Equal(t, []string{"CONNECT mdmenrollment.apple.com:443 0"}, connects, "the proxy sees a name and no credentials")
}

// A transport that many clients share still leads to the one host.
func TestATransportLeadsToItsServiceOnly(t *testing.T) {
	server := httptest.NewServer(text(200, "{}"))
	t.Cleanup(server.Close)
	transport, err := dep.NewTransport(dep.Options{})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(request) //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, dep.ErrAddress)
	require.ErrorContains(t, err, "not the service's")
}
