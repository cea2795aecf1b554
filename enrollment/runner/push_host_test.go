package runner_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// vendor signs requests as an MDM vendor. The fake portal of every test takes its signatures.
var vendor = sync.OnceValue(func() *apns.LocalVendor {
	chain, text := appletest.New(appletest.Options{Now: newClock().Now}).Push().Vendor("RMM")
	key, err := apns.ParseKey(text)
	if err != nil {
		panic(err)
	}
	signer, err := apns.NewLocalVendor(chain, key, newClock().Now())
	if err != nil {
		panic(err)
	}
	return signer
})

// pushKeys are those of [keymaker], from its other end: no token's key is ever one.
var pushKeys struct {
	sync.Mutex
	all []apns.Key
}

// pushKey is the n-th of a process.
func pushKey(n int) apns.Key {
	pushKeys.Lock()
	defer pushKeys.Unlock()
	for len(pushKeys.all) <= n {
		private, err := joinedKey(119-len(pushKeys.all), somePrimes())
		if err != nil {
			panic(err)
		}
		key, err := apns.KeyOf(private)
		if err != nil {
			panic(err)
		}
		pushKeys.all = append(pushKeys.all, key)
	}
	return pushKeys.all[n]
}

// prober asks the fake push service.
func prober(t testing.TB, apple *appletest.Apple) *apnshttp.Prober {
	client, err := apnshttp.New(apnshttp.Options{Dial: apple.Push().Dial, RootCAs: apple.Push().Roots(), Now: apple.Now})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &apnshttp.Prober{Client: client, Ask: apnshttp.AskProbe}
}

// newPushHost is a host that checks and renews push certificates itself, and asks Apple about them.
func newPushHost(t testing.TB, changes ...func(*host, *runner.Config)) *host {
	t.Helper()
	h := newHost(t)
	h.config.Push, h.config.PushProber = nil, prober(t, h.apple)
	for _, change := range changes {
		change(h, &h.config)
	}
	h.reconfigure()
	return h
}

// content has Apple accept every push certificate without being asked over TLS, for tests in which years pass.
func content(_ *host, c *runner.Config) { c.PushProber = &pushAnswers{verdict: apns.Pass} }

// reconfigure is a new process, which has what the host configures by now.
func (h *host) reconfigure() {
	h.t.Helper()
	h.restartWith(h.config)
	made := 50 // further on than any test names a key itself
	h.MakePushKeysWith(func() (apns.Key, error) { made++; return pushKey(made), nil })
}

// now is the customer at the host's present process.
func (c *customer) now() *runner.Tenant { return c.h.Runner.Tenant(c.ID()) }

// certificate is what Apple issues for a key: of a topic, for so many days from and until now.
func (h *host) certificate(topic string, key apns.Key, from, until int) []byte {
	h.t.Helper()
	day := 24 * time.Hour
	now := h.clock.Now()
	der := h.apple.Push().Issue(key.Public(), topic, now.Add(time.Duration(from)*day), now.Add(time.Duration(until)*day)).Raw
	cert, err := apns.ParseCertificate(der)
	require.NoError(h.t, err)
	return cert.PEM()
}

const (
	ourTopic   = "com.apple.mgmt.External.0bc63c26-8bbf-4b6e-9c2e-6d8c9d8a6a3f"
	otherTopic = "com.apple.mgmt.External.5f2504e0-4f89-41d3-9a0c-0305e82c3301"
)

// importPush gives the customer a push certificate that lives for so many days.
func (c *customer) importPush(topic string, key int, days int) runner.PushView {
	c.h.t.Helper()
	view, err := c.now().ImportPush(ctx(c.h.t), tech, runner.PushImport{
		Name: "Acme push", Certificate: c.h.certificate(topic, pushKey(key), min(days-365, -1), days), Key: pushKey(key).RevealPEM(),
	})
	require.NoError(c.h.t, err)
	return view
}

// request starts a renewal and takes its request for the portal.
func (c *customer) request() (enrollment.RenewalID, []byte) {
	c.h.t.Helper()
	run, err := c.now().StartPushRenewal(ctx(c.h.t), tech)
	require.NoError(c.h.t, err)
	request, err := c.now().PushRequest(ctx(c.h.t), tech, run.ID, vendor())
	require.NoError(c.h.t, err)
	return run.ID, request.PortalFile
}

func (c *customer) portal() *appletest.PushAccount {
	return c.h.apple.Push().Account("it@acme.example")
}

func (c *customer) upload(id enrollment.RenewalID, file []byte) (runner.PushRenewalView, error) {
	return c.now().UploadPush(ctx(c.h.t), tech, id, reader(file))
}

// firstPush gets the customer's first push certificate at the portal.
func (c *customer) firstPush() appletest.PushCertificate {
	c.h.t.Helper()
	id, file := c.request()
	made, err := c.portal().Create(file)
	require.NoError(c.h.t, err)
	view, err := c.upload(id, made.PEM)
	require.NoError(c.h.t, err)
	require.Equal(c.h.t, renewal.PushCompleted, view.State)
	return made
}

func (c *customer) push() runner.PushView {
	c.h.t.Helper()
	view, err := c.now().Push(ctx(c.h.t))
	require.NoError(c.h.t, err)
	return view
}

// certificateFor is what Apple issues for the request of a renewal, with whatever topic.
func (h *host) certificateFor(t testing.TB, c *customer, id enrollment.RenewalID, topic string) []byte {
	t.Helper()
	request, err := c.now().PushRequest(ctx(t), tech, id, nil)
	require.NoError(t, err)
	return h.issueFor(t, request.PEM, topic)
}

// issueFor is what Apple issues for a request, with whatever topic.
func (h *host) issueFor(t testing.TB, request []byte, topic string) []byte {
	t.Helper()
	public, ok := requestOf(t, request).PublicKey.(*rsa.PublicKey)
	require.True(t, ok)
	now := h.clock.Now()
	cert, err := apns.ParseCertificate(h.apple.Push().Issue(public, topic, now, now.AddDate(1, 0, 0)).Raw)
	require.NoError(t, err)
	return cert.PEM()
}

// requestOf reads a signing request.
func requestOf(t testing.TB, text []byte) *x509.CertificateRequest {
	t.Helper()
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, request.CheckSignature())
	return request
}
