package runner_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// What a decision was made by must still be so when it is written: a tenant that is closed at the last moment gets no server.
func TestNothingBeginsInATenantThatIsClosedMeanwhile(t *testing.T) {
	var meanwhile func()
	h := newHost(t)
	below := memory.New(h.clock.Now)
	h.restart(below)
	other := h.Runner
	_, err := other.Tenant("acme").AddServer(ctx(t), tech, runner.NewServer{ID: "srv_1", Name: "One"})
	require.NoError(t, err)
	h.restart(storagetest.Intercept(below, storagetest.Hooks{Before: func(c storagetest.Call) error {
		if c.Method == "Commit" && meanwhile != nil {
			do := meanwhile
			meanwhile = nil
			do()
		}
		return nil
	}}))
	meanwhile = func() { require.NoError(t, other.Tenant("acme").Close(ctx(t), tech)) }
	_, err = h.Tenant("acme").AddServer(ctx(t), tech, runner.NewServer{ID: "srv_2", Name: "Two"})
	requireProblem(t, enrollment.CodeTenantClosed, err)
	_, err = h.Tenant("acme").Server(ctx(t), "srv_2")
	requireProblem(t, enrollment.CodeNotFound, err)
}

// A key pair in the place of another one, whoever put it there and however well it is sealed, opens nothing: its certificate
// does not leave.
func TestThreat04_AKeyInTheWrongPlaceLeavesNoCertificate(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	one, two := acme.addServer("One"), acme.newServer("Two")
	ref := func(s *service) storage.SecretRef {
		return storage.SecretRef{Tenant: "acme", Owner: string(s.id), Kind: "key", ID: s.view().Keys[0].ID, Generation: 1}
	}
	vault := storage.NewVault(h.store, h.config.Sealer)
	stranger, err := vault.Open(ctx(t), ref(one))
	require.NoError(t, err)
	require.True(t, json.Valid(stranger))
	there, err := h.store.Get(ctx(t), ref(two).Key())
	require.NoError(t, err)
	run := two.view().LiveRun.ID

	// The bytes of another row, as they stand.
	moved, err := h.store.Get(ctx(t), ref(one).Key())
	require.NoError(t, err)
	there.Data = moved.Data
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{there}}))
	cert, err := acme.Certificate(ctx(t), tech, run)
	requireProblem(t, enrollment.CodeStoreDamaged, err)
	assert.Empty(t, cert.PEM)

	// The other pair, sealed for this very place.
	there, err = h.store.Get(ctx(t), ref(two).Key())
	require.NoError(t, err)
	sealed, err := vault.Seal(ctx(t), ref(two), stranger)
	require.NoError(t, err)
	sealed.Version = there.Version
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{sealed}}))
	cert, err = acme.Certificate(ctx(t), tech, run)
	requireProblem(t, enrollment.CodeStoreDamaged, err)
	assert.Empty(t, cert.PEM)
}
