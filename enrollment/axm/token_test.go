package axm_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

const tokenPath = "/auth/oauth2/v2/token"

func TestATokenIsSharedAndReplacedBeforeItEnds(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c := w.client(t, axm.Options{})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { assert.NoError(t, ask(t.Context(), c)) })
	}
	all.Wait()
	assert.Equal(t, 1, w.apple.Count("POST", tokenPath), "many callers, one token")
	w.clock.Pass(58 * time.Minute)
	require.NoError(t, ask(t.Context(), c))
	assert.Equal(t, 1, w.apple.Count("POST", tokenPath))
	w.clock.Pass(time.Minute)
	require.NoError(t, ask(t.Context(), c))
	assert.Equal(t, 2, w.apple.Count("POST", tokenPath), "a minute before its end")
	w.clock.Pass(-2 * time.Minute)
	require.NoError(t, ask(t.Context(), c))
	assert.Equal(t, 3, w.apple.Count("POST", tokenPath), "one that begins in the future is none")
}

// A token that ends without notice is replaced, once, also for a call that changes something: Apple refused it.
func TestATokenThatAppleDoesNotTakeIsReplacedOnce(t *testing.T) {
	w := newWorld(t, appletest.API{})
	c, serials := w.client(t, axm.Options{Budget: axm.NewBudget(1, time.Hour)}), w.devices(t, 1)
	require.NoError(t, ask(t.Context(), c))
	w.apple.ExpireAPITokens()
	require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serials...)), "the repeat is no second spending")
	assert.Equal(t, 2, w.apple.Count("POST", tokenPath))

	w.apple.Fail(appletest.Fault{Kind: appletest.Status, Status: 401, Code: "NOT_AUTHORIZED", Path: serversPath})
	before := w.apple.Count("GET", serversPath)
	require.ErrorIs(t, ask(t.Context(), c), axm.ErrUnauthorized)
	assert.Equal(t, before+2, w.apple.Count("GET", serversPath), "once more, and no more")
}

// Who gives up leaves; the others get the token all the same.
func TestWhoGivesUpTakesNobodyAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inBubble := func() time.Time { return time.Now().AddDate(26, 0, 0) }
		w := &world{apple: appletest.New(appletest.Options{Now: inBubble})}
		w.org = w.apple.AddOrganization("Acme Inc.")
		w.open(t)
		c := w.client(t, axm.Options{Now: inBubble})
		w.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: 10 * time.Second, Path: tokenPath})
		first, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gaveUp := make(chan error)
		go func() { gaveUp <- ask(first, c) }()
		synctest.Wait()
		begin := time.Now()
		stayed := make(chan error)
		go func() { stayed <- ask(t.Context(), c) }()
		require.ErrorIs(t, <-gaveUp, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, <-stayed)
		assert.Equal(t, 1, w.apple.Count("POST", tokenPath))
	})
}

// Each request has a deadline of its own.
func TestASlowAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inBubble := func() time.Time { return time.Now().AddDate(26, 0, 0) }
		w := &world{apple: appletest.New(appletest.Options{Now: inBubble})}
		w.org = w.apple.AddOrganization("Acme Inc.")
		w.open(t)
		c := w.client(t, axm.Options{Now: inBubble, Timeout: 30 * time.Second})
		w.apple.Fail(appletest.Fault{Kind: appletest.Latency, Delay: time.Hour, Path: serversPath})
		begin := time.Now()
		require.ErrorIs(t, ask(t.Context(), c), context.DeadlineExceeded)
		assert.Equal(t, 30*time.Second, time.Since(begin))
	})
}

// A school is asked at its own address, with its own scope; an account of a business gets nothing there.
func TestSchoolsHaveAnAPIOfTheirOwn(t *testing.T) {
	w := &world{clock: newClock()}
	w.apple = appletest.New(appletest.Options{Now: w.clock.Now})
	w.org = w.apple.AddSchool("Acme College")
	w.open(t)
	assert.Contains(t, w.account.ClientID, "SCHOOLAPI.")
	require.NoError(t, ask(t.Context(), w.client(t, axm.Options{})))
}

// An account whose client is throttled or refused keeps no other account waiting.
func TestPain18_AccountsKnowNothingOfEachOther(t *testing.T) {
	one, two := newWorld(t, appletest.API{APIGets: 1}), newWorld(t, appletest.API{})
	a, b := one.client(t, axm.Options{}), two.client(t, axm.Options{})
	require.NoError(t, ask(t.Context(), a))
	require.ErrorIs(t, ask(t.Context(), a), axm.ErrThrottled)
	require.NoError(t, ask(t.Context(), b))
	one.admin.RevokeAPIAccount(one.account.ClientID)
	one.clock.Pass(time.Hour)
	require.ErrorIs(t, ask(t.Context(), a), axm.ErrUnauthorized)
	require.NoError(t, ask(t.Context(), b))
}

// What the token endpoint must not answer.
func TestThreat10_ATokenCannotCarryHeaders(t *testing.T) {
	for name, body := range map[string]string{
		"a line":       `{"access_token":"a\r\nX-Evil: 1","token_type":"Bearer","expires_in":3600}`,
		"a space":      `{"access_token":"a b","token_type":"Bearer","expires_in":3600}`,
		"nothing":      `{"token_type":"Bearer","expires_in":3600}`,
		"another type": `{"access_token":"a","token_type":"MAC","expires_in":3600}`,
		"no life":      `{"access_token":"a","token_type":"Bearer","expires_in":0}`,
		"a fraction":   `{"access_token":"a","token_type":"Bearer","expires_in":1.5}`,
		"a text":       `{"access_token":"a","token_type":"Bearer","expires_in":"soon"}`,
		"no JSON":      `access_token=a`,
	} {
		w := newWorld(t, appletest.API{})
		c := w.client(t, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != tokenPath {
				return nil, errors.New("it was used")
			}
			return response(r, 200, body), nil
		})})
		require.ErrorIs(t, ask(t.Context(), c), axm.ErrAnswer, name)
	}
}
