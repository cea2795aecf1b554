package dialguard

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A route leads to its services, and nowhere else, whatever a request names.
func TestThreat09_ARouteLeadsToItsServicesOnly(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	one, two, other := httptest.NewServer(answer), httptest.NewServer(answer), httptest.NewServer(answer)
	for _, s := range []*httptest.Server{one, two, other} {
		t.Cleanup(s.Close)
	}
	mine := errors.New("in the words of an adapter")
	transport, err := Route{To: []*url.URL{parse(t, one.URL), parse(t, two.URL)}, Guard: Loopback, Refusal: mine}.Transport()
	require.NoError(t, err)
	client := &http.Client{Transport: transport}
	get := func(to string) error {
		res, err := client.Get(to)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	require.NoError(t, get(one.URL))
	require.NoError(t, get(two.URL))
	err = get(other.URL)
	require.ErrorIs(t, err, mine)
	require.ErrorIs(t, err, ErrAddress)

	inside, err := Route{To: []*url.URL{parse(t, one.URL)}, Guard: Public}.Transport()
	require.NoError(t, err)
	client = &http.Client{Transport: inside}
	require.ErrorIs(t, get(one.URL), ErrAddress, "the name led to an address that the service cannot have")
}

func TestAProxyIsAURL(t *testing.T) {
	for _, proxy := range []string{"socks5://127.0.0.1:1080", "http://", "//127.0.0.1"} {
		_, err := Route{Proxy: parse(t, proxy)}.Transport()
		require.Error(t, err, proxy)
	}
	transport, err := Route{Proxy: parse(t, "http://127.0.0.1:8080"), Guard: Public}.Transport()
	require.NoError(t, err)
	to, err := transport.Proxy(httptest.NewRequest(http.MethodGet, "https://apple.test/", nil))
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:8080", to.Host)
}

func TestAServiceWithoutPortHasThatOfItsScheme(t *testing.T) {
	assert.Equal(t, "apple.test:443", address(parse(t, "https://apple.test/")))
	assert.Equal(t, net.JoinHostPort("::1", "80"), address(parse(t, "http://[::1]")))
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}
