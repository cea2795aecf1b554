package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Where an API or an MDM is said to be, a wrong address or key is a mistake in the command line, and nothing is sent.
func TestWrongPlugs(t *testing.T) {
	w := newWorld(t)
	w.cli("server", "add", "Acme").ok()
	for _, flags := range [][]string{
		{"--axm-url", "http://example.com", "--axm-token-url", "http://example.com"}, {"--axm-url", "http://169.254.169.254"},
		{"--axm-url", "ftp://127.0.0.1"}, {"--axm-url", "http://127.0.0.1/path"}, {"--axm-token-url", "http://127.0.0.1"},
		{"--axm-url", "http://127.0.0.1", "--axm-token-url", "http://example.com/token"},
		{"--nanomdm-url", "http://127.0.0.1:9000"}, {"--nanomdm-url", "http://mdm.example.com", "--nanomdm-key", "k"},
		{"--nanomdm-url", "nonsense", "--nanomdm-key", "k"}, {"--nanomdm-url", "http://127.0.0.1:9000", "--nanomdm-key", "@" + w.path("gone")},
		{"--nanomdm-url", "http://127.0.0.1:9000", "--nanomdm-key", "@" + w.write("empty", nil)},
		{"--nanomdm-url", "http://127.0.0.1:9000", "--nanomdm-key", "@" + w.write("large", make([]byte, 5<<10))},
	} {
		assert.Equal(t, "invalid_input", w.cli(append([]string{"--json", "server", "list"}, flags...)...).fails(2).code(), "%v", flags)
	}
	w.cli("server", "list", "--nanomdm-url", "http://127.0.0.1:9000", "--nanomdm-key", "@"+w.write("key", []byte("k\n"))).ok()
	w.cli("server", "list", "--axm-url", w.url, "--axm-token-url", w.url+"/auth/oauth2/v2/token").ok()
	t.Setenv("ABMCTL_NANOMDM_KEY", "k")
	w.cli("server", "list", "--nanomdm-url", "http://127.0.0.1:9000").ok()
}

// Apple's clock is read off its answers, whatever they say; where none has come it is not known.
func TestAppleClock(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	apple := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", at.Add(10*time.Minute).Format(http.TimeFormat))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer apple.Close()
	c := &appleClock{inner: http.DefaultTransport, now: func() time.Time { return at }}
	c.ask(t.Context(), "http://127.0.0.1:1")
	_, known := c.Time()
	assert.False(t, known)
	c.ask(t.Context(), apple.URL)
	now, known := c.Time()
	require.True(t, known)
	assert.Equal(t, at.Add(10*time.Minute), now)
	apple.Close()
	c.ask(t.Context(), apple.URL)
	_, known = c.Time()
	assert.True(t, known, "what is known stays known")
}

// Of a device that nobody has heard of nothing is known; it is not said to be unmanaged.
func TestUnheardDevicesAreNotKnown(t *testing.T) {
	w := newWorld(t)
	h := &host{flags: flags{Store: w.path("store.db"), DEPURL: w.url}, process: process{err: &w.all, now: w.now}}
	require.NoError(t, h.open(t.Context(), writes))
	facts, err := checkinsOf(h).DeviceFacts(t.Context(), "acme", oldMDM, enrollment.Device{Serial: "C02A"})
	require.NoError(t, err)
	assert.Equal(t, enrollment.NotKnown, facts.Managed)
	_, err = h.oldServer(t.Context(), "acme", newMDM)
	require.ErrorIs(t, err, enrollment.ErrNoDevice)
}
