package nanomdm

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The environment of a process does not decide where wipes go. Go asks it once per process and never for this machine, so
// that only the transport itself can show it.
func TestNoProxyOfTheEnvironmentIsAsked(t *testing.T) {
	base, err := url.Parse("https://mdm.example.com")
	require.NoError(t, err)
	assert.Nil(t, Options{}.transport(base).Proxy)
}

// Whatever asks the transport for another host gets none.
func TestTheTransportKnowsOneHost(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	base, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, other.URL, nil)
	require.NoError(t, err)
	res, err := Options{}.transport(base).RoundTrip(r)
	if err == nil {
		require.NoError(t, res.Body.Close())
	}
	require.ErrorIs(t, err, ErrAddress)
}
