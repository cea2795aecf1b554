package dep_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// keyPair is one for all tests, because making one takes time and none depends on which it is.
var keyPair = sync.OnceValues(func() (abmtoken.KeyPair, error) {
	return abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
})

// world is the fake Apple with one service and its token.
type world struct {
	apple   *appletest.Apple
	org     *appletest.Organization
	admin   *appletest.Admin
	service *appletest.Service
	keys    abmtoken.KeyPair
}

func newWorld(t testing.TB, o appletest.Options) *world {
	t.Helper()
	keys, err := keyPair()
	require.NoError(t, err)
	w := &world{apple: appletest.New(o), keys: keys}
	w.org = w.apple.AddOrganization("Acme Inc.")
	w.admin = w.org.AddAdmin("it@acme.example")
	w.service, err = w.admin.CreateService("Acme MDM", keys.CertificatePEM())
	require.NoError(t, err)
	return w
}

// download lets the admin download a token, which kills the one before.
func (w *world) download(t testing.TB) abmtoken.Token {
	t.Helper()
	file, _, err := w.admin.DownloadToken(w.service)
	require.NoError(t, err)
	token, _, err := abmtoken.Open(file, w.apple.Now(), w.keys)
	require.NoError(t, err)
	return token
}

// client is one with a fresh token, over the fake's own transport unless the options have another.
func (w *world) client(t testing.TB, o dep.Options) *dep.Client {
	t.Helper()
	return w.clientOf(t, abmtoken.Static(w.download(t)), o)
}

func (w *world) clientOf(t testing.TB, source abmtoken.Source, o dep.Options) *dep.Client {
	t.Helper()
	if o.Transport == nil {
		o.Transport = w.apple.Transport()
	}
	c, err := dep.NewClient(source, o)
	require.NoError(t, err)
	return c
}

// inBubble is a clock for testing/synctest, whose own begins in the year 2000: before there were server tokens.
func inBubble() time.Time { return time.Now().AddDate(26, 0, 0) }

// devices adds that many devices and assigns them to the service.
func (w *world) devices(t testing.TB, n int) (serials []string) {
	t.Helper()
	for i := range n {
		serials = append(serials, fmt.Sprintf("C02T%04d", i))
		w.org.AddDevices(appletest.Device{Serial: serials[i]})
	}
	require.NoError(t, w.admin.Assign(w.service, serials...))
	return serials
}

// profile defines one.
func profile(t testing.TB, c *dep.Client) string {
	t.Helper()
	uuid, err := c.DefineProfile(t.Context(), dep.Profile{Name: "Acme", URL: "https://mdm.acme.example/enroll", Magic: "acme"})
	require.NoError(t, err)
	return uuid
}

// answering is a client of a server that opens sessions and answers everything else with this handler.
func answering(t testing.TB, answer http.HandlerFunc, o dep.Options) *dep.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/session" {
			_, _ = w.Write([]byte(`{"auth_session_token":"session-of-the-test"}`))
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	o.BaseURL, o.Loopback = server.URL, true
	c, err := dep.NewClient(abmtoken.Static(anyToken(t)), o)
	require.NoError(t, err)
	return c
}

// anyToken is one that no Apple knows.
func anyToken(t testing.TB) abmtoken.Token {
	t.Helper()
	token, err := abmtoken.ParseToken([]byte(`{"consumer_key":"CK_1","consumer_secret":"CS_consumersecret","access_token":"AT_accesstoken",
		"access_secret":"AS_accesssecret","access_token_expiry":"2099-01-01T00:00:00Z"}`))
	require.NoError(t, err)
	return token
}

// text answers with a status and a body.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
