package runner_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// reseal puts something else in the place of a secret, sealed as rightly as it was.
func (h *host) reseal(ref storage.SecretRef, secret []byte) {
	h.t.Helper()
	rec, err := storage.NewVault(h.store, h.config.Sealer).Seal(ctx(h.t), ref, secret)
	require.NoError(h.t, err)
	was, err := h.store.Get(ctx(h.t), ref.Key())
	require.NoError(h.t, err)
	rec.Version = was.Version
	require.NoError(h.t, h.store.Commit(ctx(h.t), storage.Write{Put: []storage.Record{rec}}))
}

// What comes out of the store is compared with what is known of it in the open, before a request leaves or anybody signs in
// with it: a key or certificate that was swapped goes nowhere.
func TestThreat04_ASwappedPushKeyOrCertificateGoesNowhere(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 100)
	id, _ := acme.request()
	view := acme.push()
	run, err := acme.PushRenewal(ctx(t), tech, id)
	require.NoError(t, err)
	ref := storage.SecretRef{Tenant: "acme", Owner: string(view.ID), Generation: 1}

	ref.Kind, ref.ID = "push_key", run.Key.ID
	h.reseal(ref, pushKey(3).RevealPEM())
	before := dumpOf(t, h.store)
	_, err = acme.PushRequest(ctx(t), tech, id, vendor())
	requireProblem(t, enrollment.CodeStoreDamaged, err)
	assert.Equal(t, before, dumpOf(t, h.store), "nobody took it")

	ref.Kind, ref.ID = "push", view.Certificate.Secret
	for name, other := range map[string][]byte{
		"another certificate":  append(h.certificate(ourTopic, pushKey(3), 0, 300), pushKey(3).RevealPEM()...),
		"without its key":      h.certificate(ourTopic, pushKey(0), 0, 300),
		"nothing of that sort": []byte("x"),
	} {
		h.reseal(ref, other)
		_, err = h.PushSource().Certificate(ctx(t), "acme")
		require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeStoreDamaged}, name)
	}
}
