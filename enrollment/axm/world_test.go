package axm_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// keyPair is one for all tests, because making one takes time and none depends on which it is.
var keyPair = sync.OnceValues(func() (abmtoken.KeyPair, error) {
	return abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
})

func newClock() *appletest.Calendar {
	return appletest.NewCalendar(time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC))
}

// world is the fake Apple with an organization of two services and an API account.
type world struct {
	clock    *appletest.Calendar
	apple    *appletest.Apple
	org      *appletest.Organization
	admin    *appletest.Admin
	from, to *appletest.Service
	account  appletest.APIAccount
	keys     abmtoken.KeyPair
}

func newWorld(t testing.TB, api appletest.API) *world {
	t.Helper()
	w := &world{clock: newClock()}
	w.apple = appletest.New(appletest.Options{Now: w.clock.Now, Behavior: appletest.Behavior{API: api}})
	w.org = w.apple.AddOrganization("Acme Inc.")
	w.open(t)
	return w
}

// open fills the organization.
func (w *world) open(t testing.TB) {
	t.Helper()
	var err error
	w.keys, err = keyPair()
	require.NoError(t, err)
	w.admin = w.org.AddAdmin("it@acme.example")
	w.from, err = w.admin.CreateService("Lost MDM", w.keys.CertificatePEM())
	require.NoError(t, err)
	w.to, err = w.admin.CreateService("Acme MDM", w.keys.CertificatePEM())
	require.NoError(t, err)
	w.account, err = w.admin.CreateAPIAccount()
	require.NoError(t, err)
}

func (w *world) credentials(t testing.TB) axm.Credentials {
	t.Helper()
	c, err := axm.NewCredentials(w.account.ClientID, w.account.KeyID, w.account.PrivateKey)
	require.NoError(t, err)
	return c
}

// client is one over the fake's own transport, with the clock of the world, unless the options have others.
func (w *world) client(t testing.TB, o axm.Options) *axm.Client {
	t.Helper()
	if o.Transport == nil {
		o.Transport = w.apple.Transport()
	}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	c, err := axm.NewClient(w.credentials(t), o)
	require.NoError(t, err)
	return c
}

// devices adds that many devices, of the service that is lost.
func (w *world) devices(t testing.TB, n int) (serials []string) {
	t.Helper()
	for i := range n {
		serials = append(serials, fmt.Sprintf("C02T%05d", i))
		w.org.AddDevices(appletest.Device{Serial: serials[i], ProductType: "Mac14,2", Migrates: i%2 == 0})
	}
	require.NoError(t, w.admin.Assign(w.from, serials...))
	return serials
}

// service is how the ports name a service of the fake.
func service(s *appletest.Service) enrollment.Service {
	return enrollment.Service{Tenant: "acme", Server: enrollment.ServerID("srv_" + s.UUID()), UUID: s.UUID(), Name: s.Name()}
}

// answering is a client of a server that hands out tokens and answers everything else with this handler.
func answering(t testing.TB, answer http.HandlerFunc, o axm.Options) *axm.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			_, _ = w.Write([]byte(`{"access_token":"bearer-of-the-test","token_type":"Bearer","expires_in":3600}`))
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	o.BaseURL, o.TokenURL, o.Loopback = server.URL, server.URL+"/token", true
	c, err := axm.NewClient(newWorld(t, appletest.API{}).credentials(t), o)
	require.NoError(t, err)
	return c
}

// text answers with a status and a body.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// all reads a list to its end.
func all[T any](list func(func(T, error) bool)) (out []T, err error) {
	for one, err := range list {
		if err != nil {
			return out, err
		}
		out = append(out, one)
	}
	return out, nil
}

func only[T any](_ T, err error) error { return err }

func asError(err error) (*axm.Error, bool) { return errors.AsType[*axm.Error](err) }
