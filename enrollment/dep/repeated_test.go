package dep_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// A connection that was kept breaks after Apple has taken a signed request. What is sent again by itself bears the same
// signature and is refused for that, which says nothing about the token.
func TestARepeatedSignatureIsNotADeadToken(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	server := httptest.NewServer(w.apple.Handler())
	t.Cleanup(server.Close)
	v, err := dep.NewVerifier(dep.Options{BaseURL: server.URL, Loopback: true})
	require.NoError(t, err)
	token := w.download(t)
	_, err = v.Account(t.Context(), token)
	require.NoError(t, err, "which leaves a connection to be used again")

	w.apple.Fail(appletest.Fault{Kind: appletest.CutAfter, Path: "/session", Times: 1})
	before := w.apple.Count("GET", "/session")
	_, err = v.Account(t.Context(), token)
	require.Error(t, err)
	require.Equal(t, 2, w.apple.Count("GET", "/session")-before, "it was sent again")
	require.NotErrorIs(t, err, abmtoken.ErrRejected)
	assert.Equal(t, enrollment.Retry, dep.Outcome(err))

	_, err = v.Account(t.Context(), token)
	require.NoError(t, err, "the token is none the worse for it")

	w.download(t)
	_, err = v.Account(t.Context(), token)
	require.ErrorIs(t, err, abmtoken.ErrRejected, "a token that is dead is called so")
}
