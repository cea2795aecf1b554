package apnshttp_test

import (
	"encoding/pem"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

const topic = "com.apple.mgmt.External.0bc63c26-8bbf-4b6e-9c2e-6d8c9d8a6a3f"

// keys are made once: each costs a core a while.
var keys = sync.OnceValue(func() (all [2]apns.Key) {
	for i := range all {
		var err error
		if all[i], err = apns.GenerateKey(); err != nil {
			panic(err)
		}
	}
	return all
})

// world is a push service and a client of it.
type world struct {
	*testing.T
	push   *appletest.Push
	client *apnshttp.Client
}

func newWorld(t *testing.T, change func(*apnshttp.Options)) *world {
	t.Helper()
	w := &world{T: t, push: appletest.New(appletest.Options{}).Push()}
	o := apnshttp.Options{Dial: w.push.Dial, RootCAs: w.push.Roots()}
	if change != nil {
		change(&o)
	}
	var err error
	w.client, err = apnshttp.New(o)
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	return w
}

// certificate is issued for a key, valid from and until so many days from now.
func (w *world) certificate(topic string, key apns.Key, from, until int) apns.Certificate {
	w.Helper()
	now := time.Now()
	issued := w.push.Issue(key.Public(), topic, now.AddDate(0, 0, from), now.AddDate(0, 0, until))
	c, err := apns.Read(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Raw}), "")
	require.NoError(w, err)
	return c.WithKey(key)
}

func (w *world) good() apns.Certificate { return w.certificate(topic, keys()[0], -1, 365) }

// listen serves the push service on a loopback socket.
func (w *world) listen() (address string) {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = w.push.Serve(l) // ends with the listener
	}()
	w.Cleanup(func() {
		_ = l.Close()
		<-served
	})
	return l.Addr().String()
}
