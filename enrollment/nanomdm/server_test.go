package nanomdm_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

func TestWhereAServerMayBe(t *testing.T) {
	for url, fine := range map[string]bool{
		"https://mdm.example.com": true, "https://mdm.example.com:8443/nano/": true, "https://10.0.0.1": true,
		"http://localhost:9000": true, "http://127.0.0.1:9000": true, "http://127.9.9.9": true, "http://[::1]:9000": true,
		"http://mdm.example.com": false, "http://10.0.0.1:9000": false, "http://localhost.example.com": false, "http://0.0.0.0:9000": false,
		"": false, "mdm.example.com": false, "ftp://localhost": false, "https://": false, "https:mdm": false, "https://u:p@mdm.example.com": false,
		"https://mdm.example.com?a=b": false, "https://mdm.example.com?": false, "https://mdm.example.com#a": false, "https://mdm example.com": false,
	} {
		_, err := nanomdm.NewServer(nanomdm.Options{BaseURL: url, APIKey: abmtoken.NewSecret("k")})
		if fine {
			require.NoError(t, err, url)
			continue
		}
		require.ErrorIs(t, err, nanomdm.ErrOptions, url)
		assert.NotContains(t, err.Error(), "u:p")
	}
}

func TestServersAreConfiguredWhole(t *testing.T) {
	for what, change := range map[string]func(*nanomdm.Options){
		"no key":          func(o *nanomdm.Options) { o.APIKey = abmtoken.Secret{} },
		"negative":        func(o *nanomdm.Options) { o.Timeout = -1 },
		"negative answer": func(o *nanomdm.Options) { o.MaxAnswer = -1 },
		"no UUID":         func(o *nanomdm.Options) { o.Answered = "a,b" },
	} {
		o := nanomdm.Options{BaseURL: "https://mdm.example.com", APIKey: abmtoken.NewSecret("k")}
		change(&o)
		_, err := nanomdm.NewServer(o)
		require.ErrorIs(t, err, nanomdm.ErrOptions, what)
	}
}

func TestAPathInFrontOfTheAPIIsKept(t *testing.T) {
	f := newFake(t)
	_, err := f.dispatcher(func(o *nanomdm.Options) { o.BaseURL += "/nano/" }).Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.Error(t, err, "the fake has no such path")
	assert.Equal(t, "/nano/v1/enqueue/"+udid, f.requests()[0].path)
}

func TestWakingQueuesNothing(t *testing.T) {
	f := newFake(t)
	require.NoError(t, f.dispatcher().Wake(t.Context(), wipe().Ref()))
	require.Len(t, f.requests(), 1)
	assert.Equal(t, "/v1/push/"+udid, f.requests()[0].path)
	assert.Empty(t, f.commands())
	for body, want := range map[string]string{
		`{"status":{"` + udid + `":{"push_error":"no certificate"}}}`: "no certificate", `{"push_error":"down"}`: "down", `<`: "not usable",
	} {
		f.says(http.StatusInternalServerError, body)
		require.ErrorContains(t, f.dispatcher().Wake(t.Context(), wipe().Ref()), want)
	}
}

func TestTLSIsChecked(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"command_uuid":"`+command+`","request_type":"EraseDevice"}`)
	}))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for what, pool := range map[string]*x509.CertPool{"trusted": roots, "not trusted": x509.NewCertPool()} {
		server, err := nanomdm.NewServer(nanomdm.Options{BaseURL: s.URL, APIKey: abmtoken.NewSecret(apiKey), RootCAs: pool, Now: func() time.Time { return start }})
		require.NoError(t, err)
		_, err = nanomdm.NewDispatcher(nanomdm.Only(server), nil).Wipe(t.Context(), wipe(), enrollment.PIN{})
		if what == "trusted" {
			require.NoError(t, err)
			continue
		}
		require.Error(t, err)
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.Retry, outcome, "nothing left: %v", err)
	}
}

func TestThreat08_ABombIsBoundedAfterDecompression(t *testing.T) {
	f := newFake(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := io.CopyN(z, zeros{}, 8<<20)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	f.says(http.StatusOK, bomb.String(), "Content-Encoding", "gzip")
	_, err = f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, nanomdm.ErrAnswer)

	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(w, zeros{}) // until the client hangs up
		return true
	}
	_, err = f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, nanomdm.ErrAnswer, "also of an answer without an end")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A name that leads to another kind of address, and a redirect, lead nowhere.
func TestThreat09_WipesGoToTheServerOnly(t *testing.T) {
	t.Run("a private address", func(t *testing.T) {
		for _, host := range []string{"10.1.2.3", "192.168.0.1", "169.254.169.254", "[fd00::1]", "0.0.0.0", "[fe80::1]", "100.64.0.1"} {
			server, err := nanomdm.NewServer(nanomdm.Options{BaseURL: "https://" + host, APIKey: abmtoken.NewSecret(apiKey), Now: func() time.Time { return start }})
			require.NoError(t, err)
			_, err = nanomdm.NewDispatcher(nanomdm.Only(server), nil).Wipe(t.Context(), wipe(), enrollment.PIN{})
			require.ErrorIs(t, err, nanomdm.ErrAddress, host)
			outcome, _ := enrollment.Sent(err)
			assert.Equal(t, enrollment.Retry, outcome)
		}
	})
	t.Run("the metadata service, also where private ones are allowed", func(t *testing.T) {
		server, err := nanomdm.NewServer(nanomdm.Options{BaseURL: "https://169.254.169.254", Private: true, APIKey: abmtoken.NewSecret(apiKey), Now: func() time.Time { return start }})
		require.NoError(t, err)
		_, err = nanomdm.NewDispatcher(nanomdm.Only(server), nil).Wipe(t.Context(), wipe(), enrollment.PIN{})
		require.ErrorIs(t, err, nanomdm.ErrAddress)
	})
	t.Run("a redirect", func(t *testing.T) {
		other, f := newFake(t), newFake(t)
		for _, status := range []int{301, 302, 303, 307, 308} {
			f.says(status, "", "Location", other.url+"/v1/enqueue/"+udid)
			_, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
			require.ErrorIs(t, err, nanomdm.ErrRedirect)
		}
		assert.Empty(t, other.requests())
	})
}

// Servers and proxies repeat what they got. It does not come out in an error, an answer or a log.
func TestThreat17_TheAPIKeyIsNeverTold(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	f := newFake(t)
	server := f.server()
	for _, s := range []struct {
		status int
		body   string
	}{
		{400, "bad: " + apiKey}, {401, apiKey}, {404, apiKey}, {429, apiKey}, {500, `{"command_error":"` + apiKey + `"}`},
		{500, `{"push_error":"` + apiKey + `","command_uuid":"` + command + `","request_type":"EraseDevice"}`}, {302, apiKey}, {200, apiKey},
	} {
		f.says(s.status, s.body, "X-Echo", apiKey)
		d := nanomdm.NewDispatcher(nanomdm.Only(server), nil)
		status, err := d.Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.PIN = "pin_1" }), pin(t))
		log.Info("wipe", "err", err, "status", status, "server", server, "dispatcher", d)
		_, err = d.WipeAbilities(t.Context(), "acme", "old")
		log.Info("abilities", "err", err)
		log.Info("wake", "err", d.Wake(t.Context(), wipe().Ref()))
		fmt.Fprintf(&out, "%v %+v %#v %s", server, server, server, err)
	}
	var b inbox
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) {
		c.Server = server
		c.Report = func(_ context.Context, err error) { log.Info("refused", "err", err) }
	})
	_, text := post(h, []byte("{}"), func(r *http.Request) { r.Header.Set("X-Hmac-Signature", hmacKey) })
	log.Info("hook", "text", text)
	fmt.Fprintf(&out, "%v %+v", h, b.all())
	for _, secret := range []string{apiKey, hmacKey, "048213"} {
		assert.NotContains(t, out.String(), secret)
	}
	assert.Contains(t, out.String(), "[redacted]")
	assert.Contains(t, out.String(), "nanomdm.Server")
}
