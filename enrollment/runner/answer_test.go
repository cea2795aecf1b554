package runner_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// A status without its reason tells nobody what to mend: Apple's own word reaches the person who uploads, the person who
// looks, and the ticket.
func TestPain09_ApplesReasonReachesThePerson(t *testing.T) {
	for _, c := range []struct {
		fault appletest.Fault
		code  enrollment.Code
		says  string
	}{
		{appletest.Fault{Kind: appletest.Status, Status: 400, Code: "USER_AGENT_INVALID"}, enrollment.CodeUnreachable, "HTTP 400 USER_AGENT_INVALID; set Options.UserAgent"},
		{appletest.Fault{Kind: appletest.Status, Status: 500, Code: "upstream is tired"}, enrollment.CodeUnreachable, `HTTP 500 and "upstream is tired"`},
		{appletest.Throttled(90 * time.Second), enrollment.CodeUnreachable, "HTTP 429"},
		{appletest.Fault{Kind: appletest.Down}, enrollment.CodeUnreachable, "no answer to GET /session"},
		{appletest.Fault{Kind: appletest.Redirect}, enrollment.CodeUnreachable, "HTTP 302"},
		{appletest.Fault{Kind: appletest.Status, Status: 403, Code: "signature_invalid"}, enrollment.CodeRejected, "(signature_invalid)"},
		{appletest.Fault{Kind: appletest.Status, Status: 401, Code: "oauth_problem=consumer key"}, enrollment.CodeRejected, "oauth_problem=consumer key"},
		{appletest.Denied(""), enrollment.CodeAccessDenied, "(ACCESS_DENIED)"},
	} {
		t.Run(c.says, func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			h.clock.Pass(time.Hour)
			file := s.file()
			h.apple.Fail(c.fault)

			run, err := s.upload(file)
			assert.Contains(t, requireProblem(t, c.code, err).Title, c.says)
			require.NotNil(t, run.Problem)
			assert.Contains(t, run.Problem.Title, c.says, "it stands in the renewal, too")

			v, err := s.c.CheckServer(ctx(t), tech, s.id)
			require.NoError(t, err)
			told := v.Problem
			if c.code == enrollment.CodeUnreachable {
				assert.Equal(t, enrollment.Active, v.Health, "no usable answer changes no state")
				assert.Nil(t, v.Problem)
				told = v.Silence
			}
			require.NotNil(t, told)
			assert.Contains(t, told.Title, c.says)
		})
	}
}

// A silence that lasts is a problem of the server, and ends with the next answer.
func TestASilenceThatLastsIsAProblem(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	end := h.apple.Fail(appletest.Fault{Kind: appletest.Status, Status: 503, Code: "MAINTENANCE"})
	h.pass(5 * 24 * time.Hour)
	v := s.view()
	assert.Equal(t, enrollment.Unreachable, v.Health)
	require.NotNil(t, v.Problem)
	assert.Contains(t, v.Problem.Title, "MAINTENANCE")
	assert.Positive(t, v.Failures)
	end()
	v, err := s.c.CheckServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, v.Health)
	assert.Nil(t, v.Problem)
	assert.Nil(t, v.Silence)
}

// loudVerifier puts what it should not into its errors.
type loudVerifier struct{ err func(abmtoken.Token) error }

func (v loudVerifier) Account(_ context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	return abmtoken.Account{}, v.err(token)
}

// What a verifier of the host's own says is stored and shown: bounded, on one line, without the credentials.
func TestThreat17_VerifierThatTellsSecrets(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	token, err := s.c.Tokens(s.id).Token(ctx(t))
	require.NoError(t, err)
	config := h.config
	var said string
	for _, shift := range []string{"", "x"} { // wherever the cut falls
		config.Verifier = loudVerifier{func(token abmtoken.Token) error {
			return fmt.Errorf("http: GET with %s, %s and %s failed\r\n\x1b[31m%s",
				token.ConsumerSecret().Reveal(), token.AccessToken().Reveal(), token.AccessSecret().Reveal(), shift+strings.Repeat("é", 1000))
		}}
		loud, err := runner.New(config)
		require.NoError(t, err)
		v, err := loud.Tenant("acme").CheckServer(ctx(t), tech, s.id)
		require.NoError(t, err)
		require.NotNil(t, v.Silence)
		said = v.Silence.Error()
		assert.NotContains(t, said, "\ufffd", "cut within a character")
	}
	assert.Contains(t, said, "GET with [redacted], [redacted] and [redacted] failed")
	for _, secret := range []abmtoken.Secret{token.ConsumerSecret(), token.AccessToken(), token.AccessSecret()} {
		assert.NotContains(t, said, secret.Reveal())
	}
	assert.NotContains(t, said, "\x1b")
	assert.NotContains(t, said, "\n")
	assert.Less(t, len(said), 600)
	assert.Contains(t, said, "é ...", "cut between characters")

	config.Verifier = loudVerifier{func(abmtoken.Token) error { return abmtoken.ErrRejected }}
	bare, err := runner.New(config)
	require.NoError(t, err)
	v, err := bare.Tenant("acme").CheckServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Rejected, v.Health)
	assert.Empty(t, v.Reason, "a verifier that gives no word of Apple's")
	assert.NotContains(t, v.Problem.Title, "(")
}

// What may be asked depends on the server's state.
func TestAllowedOnServers(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.newServer("Acme MDM")
	v := s.view()
	assert.Equal(t, []renewal.EventName{renewal.EventStart, renewal.EventUpload, runner.EventRetire}, v.Allowed, "no token yet")
	require.NotNil(t, v.LiveRun)
	assert.Empty(t, v.LiveRun.Allowed, "nobody in particular asks")

	_, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: s.download()})
	require.NoError(t, err)
	all := []renewal.EventName{
		renewal.EventStart, renewal.EventUpload, renewal.EventCheckRequested, renewal.EventQuieted, runner.EventRetire,
	}
	assert.Equal(t, all, s.view().Allowed)
	page, err := h.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	assert.Equal(t, all, page.Servers[0].Allowed, "in a list, too")

	_, err = acme.RetireServer(ctx(t), tech, s.id)
	require.NoError(t, err)
	assert.Empty(t, s.view().Allowed)

	open := acme.newServer("Another")
	require.NotEmpty(t, open.view().Allowed)
	h.config.Store = &fullAfter{Store: h.store, left: 1}
	cut, err := runner.New(h.config)
	require.NoError(t, err)
	requireProblem(t, enrollment.CodeStoreFull, cut.Tenant("acme").Close(ctx(t), tech))
	require.False(t, open.view().Retired(), "closing ended in its middle")
	assert.Empty(t, open.view().Allowed, "the tenant is closed all the same")
	require.NoError(t, acme.Close(ctx(t), tech))
	assert.True(t, open.view().Retired())
}

// fullAfter is a store with room for so many writes.
type fullAfter struct {
	storage.Store
	left int
}

func (s *fullAfter) Commit(ctx context.Context, w storage.Write) error {
	if s.left--; s.left < 0 {
		return storage.ErrFull
	}
	return s.Store.Commit(ctx, w)
}

// What a renewal allows depends on who asks: an API key confirms nothing.
func TestAllowedOnRenewalsDependsOnTheActor(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").newServer("Acme MDM")
	run, err := s.upload(s.file())
	requireProblem(t, enrollment.CodeConfirm, err)
	forPerson, err := s.c.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Contains(t, forPerson.Allowed, renewal.EventConfirm)
	forKey, err := s.c.Renewal(ctx(t), robot, run.ID)
	require.NoError(t, err)
	assert.NotContains(t, forKey.Allowed, renewal.EventConfirm)
	assert.Contains(t, forKey.Allowed, renewal.EventCancel)
}
