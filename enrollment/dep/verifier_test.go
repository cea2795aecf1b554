package dep_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func TestVerifierTellsWhoseTokenItIs(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	v, err := dep.NewVerifier(dep.Options{Transport: w.apple.Transport()})
	require.NoError(t, err)
	old := w.download(t)

	account, err := v.Account(t.Context(), old)
	require.NoError(t, err)
	assert.Equal(t, w.service.UUID(), account.ServerUUID)
	assert.Equal(t, w.org.ID(), account.OrgID)
	assert.Equal(t, "it@acme.example", account.AdminID)

	w.download(t)
	_, err = v.Account(t.Context(), old)
	require.ErrorIs(t, err, abmtoken.ErrRejected)
}
