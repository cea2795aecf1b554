package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The push certificates of the RMM are watched where they are; one that its devices would not hear is refused, with how many.
func TestPushCertificatesStayWithTheRMM(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	ctx := t.Context()
	for i := range 3 {
		m.device(fleet.Spec{Serial: fmt.Sprint("MAC", i), OS: "15.1"})
	}
	m.world.Step()
	view, err := m.first.runner.Tenant("acme").Push(ctx)
	require.NoError(t, err)
	assert.True(t, view.Certificate.HostKept)
	assert.Equal(t, enrollment.Active, view.Health, "Apple was asked with the RMM's own key")

	key := must(rsa.GenerateKey(rand.Reader, 2048))
	now := m.clock.Now()
	other := m.apple.Push().Issue(&key.PublicKey, "com.apple.mgmt.External.another", now.AddDate(0, 0, -1), now.AddDate(1, 0, 0))
	_, err = m.first.runner.Tenant("acme").ImportPush(ctx, enrollment.Actor{ID: "tess", Kind: enrollment.Person}, runner.PushImport{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	})
	require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodePushOtherTopic})
	assert.Contains(t, err.Error(), "3", "so many devices would go deaf")
	_, err = ports{m.first.app}.Certificate(ctx, "beta")
	require.ErrorContains(t, err, "no push certificate")
}
