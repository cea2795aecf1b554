package dep_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// source is what the runner's is: it gives the newest token and takes back what Apple said.
type source struct {
	mu       sync.Mutex
	token    abmtoken.Token
	fails    error // of Token
	deaf     error // of Answered
	answers  []error
	answered []string // fingerprints
}

func (s *source) Token(context.Context) (abmtoken.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.fails
}

func (s *source) Answered(_ context.Context, token abmtoken.Token, answer error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.answered = append(s.answers, answer), append(s.answered, token.Fingerprint())
	return s.deaf
}

func (s *source) replace(token abmtoken.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// last is what was reported last, and about which token.
func (s *source) last() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) == 0 {
		return "", errNothing
	}
	return s.answered[len(s.answered)-1], s.answers[len(s.answers)-1]
}

var errNothing = errors.New("nothing was reported")

func TestPain07_ARenewedTokenIsUsedAtOnce(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	s := &source{token: w.download(t)}
	c := w.clientOf(t, s, dep.Options{})
	require.NoError(t, only(c.Account(t.Context())))
	about, answer := s.last()
	require.NoError(t, answer)
	assert.Equal(t, s.token.Fingerprint(), about)

	s.replace(w.download(t)) // which kills the one before, and its session
	require.NoError(t, only(c.Account(t.Context())), "without a restart")
	about, answer = s.last()
	require.NoError(t, answer, "the dead token's refusal is not reported: nobody uses it")
	assert.Equal(t, s.token.Fingerprint(), about)
	assert.Equal(t, 2, w.apple.Count("GET", "/account"), "and without a call that fails")
}

// The token is replaced while a call is under way: the call goes on with the new one.
func TestPain07_ATokenThatIsReplacedMeanwhile(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	old := w.download(t)
	fresh := w.download(t)
	s := &turning{source: &source{token: old}, next: fresh}
	require.NoError(t, only(w.clientOf(t, s, dep.Options{}).Account(t.Context())))
	about, answer := s.last()
	require.NoError(t, answer)
	assert.Equal(t, fresh.Fingerprint(), about)
}

// turning gives another token from the second time on.
type turning struct {
	*source
	next abmtoken.Token
}

func (s *turning) Token(ctx context.Context) (abmtoken.Token, error) {
	token, err := s.source.Token(ctx)
	s.replace(s.next)
	return token, err
}

func TestPain16_WhatAppleSaysAboutATokenIsReported(t *testing.T) {
	for _, status := range []int{401, 403} { // both were observed
		w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{RejectStatus: status}})
		s := &source{token: w.download(t)}
		c := w.clientOf(t, s, dep.Options{})
		require.NoError(t, only(c.Account(t.Context())))

		w.org.RequireTerms()
		require.ErrorIs(t, only(c.Account(t.Context())), abmtoken.ErrTermsPending)
		_, answer := s.last()
		require.ErrorIs(t, answer, abmtoken.ErrTermsPending)
		require.NoError(t, w.org.AcceptTerms(w.admin))
		require.NoError(t, only(c.Account(t.Context())), "accepted terms count at once")
		_, answer = s.last()
		require.NoError(t, answer)

		// Neither trouble on the way nor a refusal of something else is about the token.
		reports := len(s.answers)
		for _, f := range []appletest.Fault{
			{Kind: appletest.Status, Status: 500, Code: "token_rejected"}, {Kind: appletest.Down}, {Kind: appletest.Garbage},
			appletest.Denied("/account"), appletest.Unavailable(0), {Kind: appletest.Redirect},
		} {
			end := w.apple.Fail(f)
			require.Error(t, only(c.Account(t.Context())))
			end()
		}
		assert.Len(t, s.answers, reports)

		w.admin.ChangePassword()
		err := only(c.Account(t.Context()))
		require.ErrorIs(t, err, abmtoken.ErrRejected)
		_, answer = s.last()
		require.ErrorIs(t, answer, abmtoken.ErrRejected)
		require.ErrorContains(t, err, "token_rejected; download a new server token from Apple's portal")
	}
}

// An expired token fails its own calls, with an error; nothing else.
func TestPain17_ADeadTokenIsAnErrorOfItsOwnCallsOnly(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	other := newWorld(t, appletest.Options{})
	dead, living := w.client(t, dep.Options{}), other.client(t, dep.Options{})
	w.admin.Leave()
	for name, call := range calls {
		require.ErrorIs(t, call(t.Context(), dead), abmtoken.ErrRejected, name)
	}
	require.NoError(t, only(living.Account(t.Context())))
}

func TestASourceWithoutATokenIsSaidToBeThat(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	sealed := errors.New("the store is sealed")
	for _, s := range []*source{{fails: sealed}, {}} {
		err := only(w.clientOf(t, s, dep.Options{}).Account(t.Context()))
		require.ErrorContains(t, err, "no server token to ask with")
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
		if s.fails != nil {
			require.ErrorIs(t, err, sealed)
		}
		assert.Empty(t, s.answers)
	}
	assert.Empty(t, w.apple.Requests())
	_, err := dep.NewClient(nil, dep.Options{})
	require.ErrorIs(t, err, dep.ErrOptions)
}

func TestASourceThatTakesNoReportLosesNone(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	down := errors.New("the store is down")
	s := &source{token: w.download(t), deaf: down}
	c := w.clientOf(t, s, dep.Options{})
	require.NoError(t, only(c.Account(t.Context())), "a success stays one")
	w.admin.Leave()
	err := only(c.Account(t.Context()))
	require.ErrorIs(t, err, abmtoken.ErrRejected)
	require.ErrorIs(t, err, down)
}
