package dep_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// ask lets a verifier ask a server that answers everything with this handler.
func ask(t *testing.T, answer http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	v, err := dep.NewVerifier(dep.Options{BaseURL: server.URL, Loopback: true, Timeout: 20 * time.Second})
	require.NoError(t, err)
	_, err = v.Account(t.Context(), newWorld(t, appletest.Options{}).download(t))
	return err
}

func TestThreat07_HostileJSON(t *testing.T) {
	for _, body := range []string{
		strings.Repeat("[", 1<<19), strings.Repeat(`{"a":`, 1<<17), "\xff\xfe", `{"auth_session_token":"a\r\nX-Evil: 1"}`, `{"auth_session_token":7}`,
	} {
		err := ask(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		require.Error(t, err)
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
		require.Less(t, len(err.Error()), 2000)
	}
}

func TestThreat08_CompressedBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		_, err := z.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	require.ErrorIs(t, err, dep.ErrAnswer)
}

func TestThreat09_NoWayToOtherHosts(t *testing.T) {
	reached := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inner.Close)
	err := ask(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, http.StatusFound) })
	require.Error(t, err)
	require.False(t, reached, "a redirect was followed")

	for _, base := range []string{"http://mdmenrollment.apple.com", "https://169.254.169.254", "https://[::ffff:127.0.0.1]", "http://2130706433"} {
		_, err := dep.NewVerifier(dep.Options{BaseURL: base})
		require.ErrorIs(t, err, dep.ErrOptions, base)
	}
}
