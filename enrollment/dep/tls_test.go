package dep_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// The fake behind a real listener with TLS, by HTTP/1.1 and HTTP/2.
func TestCallsOverTLS(t *testing.T) {
	for _, two := range []bool{false, true} {
		w := newWorld(t, appletest.Options{})
		serials := w.devices(t, 3)
		var protocols []string
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			protocols = append(protocols, r.Proto)
			w.apple.Handler().ServeHTTP(rw, r)
		}))
		server.EnableHTTP2 = two
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		o := dep.Options{BaseURL: server.URL, Loopback: true, RootCAs: roots}

		c, err := dep.NewClient(abmtoken.Static(w.download(t)), o)
		require.NoError(t, err)
		devices, _, err := collect(c.FetchDevices(t.Context(), dep.From{Limit: 2}))
		require.NoError(t, err)
		assert.Equal(t, serials, serialsOf(devices))
		assert.Equal(t, map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[two], protocols[0])

		// Who is not certified gets nothing: no session is asked for, and a write did not happen.
		o.RootCAs = nil
		asked := len(protocols)
		c, err = dep.NewClient(abmtoken.Static(w.download(t)), o)
		require.NoError(t, err)
		err = write(t.Context(), c, serials[0])
		var unknown x509.UnknownAuthorityError
		require.NotErrorAs(t, err, &unknown, "the transport's error stays inside")
		require.ErrorContains(t, err, "certificate")
		assert.Equal(t, enrollment.Retry, dep.Outcome(err))
		assert.Len(t, protocols, asked)
	}
}
