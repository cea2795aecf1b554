package runner_test

import (
	"context"
	"crypto"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// module is where a host keeps the private key of its push certificate: it signs, and gives nothing away.
type module struct {
	signer crypto.Signer
	file   []byte // the certificate alone
}

func (m module) Public() crypto.PublicKey { return m.signer.Public() }

func (m module) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return m.signer.Sign(r, digest, o)
}

func (m *module) Certificate(_ context.Context, tenant string) (apns.Certificate, error) {
	if tenant != "acme" {
		return apns.Certificate{}, apns.ErrNoCertificate
	}
	cert, err := apns.Read(m.file, "")
	if err != nil {
		return apns.Certificate{}, err
	}
	key, err := apns.KeyOf(*m)
	return cert.WithKey(key), err
}

// newModule is a host that keeps the key of acme's certificate itself.
func newModule(t *testing.T) (*host, *module) {
	kept := &module{signer: pushKey(0).Signer()}
	return newPushHost(t, func(h *host, c *runner.Config) {
		kept.file = h.certificate(ourTopic, pushKey(0), -300, 65)
		c.PushSource = kept
	}), kept
}

// A certificate whose key the host keeps is checked and reminded of; its key is nowhere in the store, and it is not renewed here.
func TestAPushCertificateThatTheHostKeeps(t *testing.T) {
	h, kept := newModule(t)
	acme := h.customer("acme")
	view, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: kept.file})
	require.NoError(t, err)
	assert.True(t, view.Certificate.HostKept)
	assert.Empty(t, view.Keys)
	assert.NotContains(t, view.Allowed, renewal.EventStart)
	_, err = acme.StartPushRenewal(ctx(t), tech)
	p := requireProblem(t, enrollment.CodeRefused, err)
	assert.Contains(t, p.Next, "where its key is kept")

	view, err = acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, view.Health, "the module signs for the question to Apple")
	cert, err := h.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err)
	assert.NotNil(t, cert.Key().Signer())
	h.pass(36 * 24 * time.Hour)
	assert.Equal(t, enrollment.Expiring, acme.push().Health)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// When the host renews it, the next look finds the new one and goes on with it; one that devices do not hear is told of
// instead.
func TestAPushCertificateThatTheHostRenews(t *testing.T) {
	h, kept := newModule(t)
	acme := h.customer("acme")
	_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: kept.file})
	require.NoError(t, err)
	good := h.certificate(ourTopic, pushKey(1), 0, 365)
	kept.signer, kept.file = pushKey(2).Signer(), h.certificate(otherTopic, pushKey(2), 0, 365)
	view, err := acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	requireProblem(t, enrollment.CodePushOtherTopic, view.Problem)
	assert.EqualValues(t, 1, view.Certificate.Generation)

	kept.signer, kept.file = pushKey(1).Signer(), good
	view, err = acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	assert.Nil(t, view.Problem)
	assert.EqualValues(t, 2, view.Certificate.Generation)
	assert.Equal(t, 365, view.DaysLeft)
	assert.Equal(t, enrollment.Active, view.Health)
	assert.Nil(t, view.Previous)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// Its key may come into our keeping later; the certificate stays the same one.
func TestAHostGivesItsKeyAway(t *testing.T) {
	h, kept := newModule(t)
	acme := h.customer("acme")
	before, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: kept.file})
	require.NoError(t, err)
	after, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: kept.file, Key: pushKey(0).RevealPEM()})
	require.NoError(t, err)
	assert.False(t, after.Certificate.HostKept)
	assert.Equal(t, before.Certificate.Generation, after.Certificate.Generation)
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
	_, err = acme.StartPushRenewal(ctx(t), tech)
	require.NoError(t, err)
}

// A certificate without a key that the host does not keep either is worth nothing.
func TestTheHostKeepsAnotherOne(t *testing.T) {
	h, _ := newModule(t)
	for _, tenant := range []enrollment.TenantID{"acme", "beta"} {
		_, err := h.Tenant(tenant).ImportPush(ctx(t), tech, runner.PushImport{Certificate: h.certificate(ourTopic, pushKey(5), -1, 300)})
		requireProblem(t, enrollment.CodePushNoKeyFits, err)
	}
}
