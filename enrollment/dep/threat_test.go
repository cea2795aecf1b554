package dep_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// ask lets a verifier ask a server that answers everything with this handler.
func ask(t *testing.T, answer http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	v, err := dep.NewVerifier(dep.Options{BaseURL: server.URL, Loopback: true})
	require.NoError(t, err)
	_, err = v.Account(t.Context(), anyToken(t))
	return err
}

func TestThreat09_NoWayToOtherHosts(t *testing.T) {
	reached := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inner.Close)
	for _, to := range []string{inner.URL, "http://169.254.169.254/latest/meta-data/", "//169.254.169.254/", "file:///etc/passwd", "/session", ""} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			redirect := func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}
			require.ErrorIs(t, ask(t, redirect), dep.ErrRedirect, "%d to %s", status, to)
			for name, call := range calls {
				require.ErrorIs(t, call(t.Context(), answering(t, redirect, dep.Options{})), dep.ErrRedirect, "%s, %d to %s", name, status, to)
			}
		}
	}
	require.False(t, reached, "a redirect was followed")
}
