package apns_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// nanomdm starts the MDM server of that name, and returns where it listens.
func nanomdm(t *testing.T, apiKey string) (url string) {
	t.Helper()
	program, err := exec.LookPath("nanomdm")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("nanomdm is missing; install it: go install github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0")
		}
		t.Skip("nanomdm is missing; to run this test: go install github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	root, _ := apple(t)
	require.NoError(t, os.WriteFile(ca, inPEM(root.cert), 0o600))
	var out bytes.Buffer
	server := exec.Command(program, "-storage", "inmem", "-storage-dsn", "", "-ca", ca, "-api", apiKey, "-listen", address)
	server.Stdout, server.Stderr = &out, &out
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	url = "http://" + address
	require.Eventually(t, func() bool {
		r, err := http.Get(url + "/version")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond, "nanomdm does not answer")
	return url
}

// A certificate that was made and renewed here is one for a real MDM server, and keeps its topic there.
func TestNanoMDMTakesTheRenewedCertificate(t *testing.T) {
	const apiKey = "test"
	url := nanomdm(t, apiKey) + "/v1/pushcert"
	push := appletest.New(appletest.Options{}).Push()
	chain, vendorKey := push.Vendor("Acme RMM")
	key, err := apns.ParseKey(vendorKey)
	require.NoError(t, err)
	vendor, err := apns.NewLocalVendor(chain, key, time.Now())
	require.NoError(t, err)
	account := push.Account("it@acme.example")

	// request makes a key and what the portal takes; fetched puts the portal's file and the key together.
	request := func(key apns.Key) []byte {
		der, err := apns.NewRequest(key, apns.RequestName{CommonName: "Acme Inc."})
		require.NoError(t, err)
		signed, err := vendor.SignRequest(t.Context(), der)
		require.NoError(t, err)
		file, err := apns.PortalFile(der, signed)
		require.NoError(t, err)
		return file
	}
	fetched := func(issued appletest.PushCertificate, key apns.Key) apns.Certificate {
		c := read(t, issued.PEM).WithKey(key)
		require.True(t, c.Matches(key))
		return c
	}
	hand := func(c apns.Certificate) (topic string, notAfter time.Time) {
		body := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER()}), c.Key().RevealPEM()...)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(body))
		require.NoError(t, err)
		r.SetBasicAuth("nanomdm", apiKey)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close() //nolint:errcheck // it was read
		require.Equal(t, http.StatusOK, answer.StatusCode)
		var said struct {
			Topic    string    `json:"topic"`
			NotAfter time.Time `json:"not_after"`
		}
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&said))
		return said.Topic, said.NotAfter
	}

	issued, err := account.Create(request(keys()[2]))
	require.NoError(t, err)
	first := fetched(issued, keys()[2])
	topic, until := hand(first)
	assert.Equal(t, first.Topic(), topic)
	assert.Equal(t, first.NotAfter(), until.UTC())

	issued, err = account.Renew(first.Topic(), request(keys()[3]))
	require.NoError(t, err)
	renewed := fetched(issued, keys()[3])
	assert.NotEqual(t, apns.OtherTopic, apns.Continue(first, renewed, 0).Continuity)
	topic, until = hand(renewed)
	assert.Equal(t, first.Topic(), topic)
	assert.Equal(t, renewed.NotAfter(), until.UTC())
}
