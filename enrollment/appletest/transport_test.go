package appletest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// In a synctest bubble the fake's clock and its latency are the bubble's, and nothing is left running.
func TestTransportInABubble(t *testing.T) {
	pair() // made outside, for the clock of the certificate does not matter
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, appletest.Options{Behavior: appletest.Behavior{SessionLife: 2 * time.Hour}})
		client := s.connect(t)
		began := time.Now()
		s.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: time.Hour, Times: 1})
		require.Equal(t, 200, accountStatus(t, client))
		require.Equal(t, time.Hour, time.Since(began))

		s.apple.Fail(appletest.Fault{Kind: appletest.SlowBody, Delay: time.Second, Size: 10, Times: 1})
		began = time.Now()
		r := do(t, client, "GET", "/account", "")
		require.Contains(t, r.Body, s.service.UUID())
		require.Equal(t, time.Duration(len(r.Body)+9)/10*time.Second, time.Since(began), "a piece a second")

		<-time.After(3 * time.Hour)
		require.Equal(t, 401, accountStatus(t, client), "its session has expired with the bubble's clock")
	})
}

func TestClientThatGivesUpHasNothingDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, appletest.Options{})
		s.buy(t, 1)
		client := s.connect(t)
		uuid := define(t, client, good()).UUID
		s.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: time.Hour, Path: "/profile/devices"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body := strings.NewReader(`{"profile_uuid":"` + uuid + `","devices":["S00000"]}`)
		r, err := http.NewRequestWithContext(ctx, "POST", base+"/profile/devices", body)
		require.NoError(t, err)
		_, err = client.RoundTrip(r) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(t, "empty", s.details(t, client, "S00000")["profile_status"])
	})
}

func TestClientMayLeaveALongAnswerUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, appletest.Options{})
		client := s.connect(t)
		for _, kind := range []appletest.FaultKind{appletest.Oversized, appletest.SlowBody} {
			s.apple.Fail(appletest.Fault{Kind: kind, Times: 1, Delay: time.Minute})
			r, err := http.NewRequestWithContext(t.Context(), "GET", base+"/account", nil)
			require.NoError(t, err)
			resp, err := client.RoundTrip(r)
			require.NoError(t, err)
			_, err = io.ReadFull(resp.Body, make([]byte, 10))
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
	}) // the bubble ends: the fake noticed
}

func TestTransportServesAnyHostAndScheme(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	for _, address := range []string{"http://localhost:8080", "https://other.example:9443"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", address+"/account", nil)
		require.NoError(t, err)
		resp, err := client.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
	}
}

// A real listener, plain and with TLS: the signature covers scheme, host and port as the client sees them.
func TestHandlerBehindARealListener(t *testing.T) {
	s := newShop(t, appletest.Options{})
	for name, server := range map[string]*httptest.Server{
		"http": httptest.NewServer(s.apple.Handler()), "https": httptest.NewTLSServer(s.apple.Handler()),
	} {
		t.Run(name, func(t *testing.T) {
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/session", nil)
			require.NoError(t, err)
			resp, err := s.signer(s.token, server.Client().Transport).RoundTrip(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, 200, resp.StatusCode)

			s.apple.Fail(appletest.Fault{Kind: appletest.Down, Times: 1})
			r, err = http.NewRequestWithContext(t.Context(), "GET", server.URL+"/account", nil)
			require.NoError(t, err)
			_, err = headers{next: server.Client().Transport}.RoundTrip(r) //nolint:bodyclose // there is none
			require.Error(t, err, "the connection that was accepted already is cut")
		})
	}
}
