package appletest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func TestCallsNeedALivingSession(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now})
	client := s.connect(t)
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	nobody := client
	nobody.session = ""
	require.Equal(t, 401, do(t, nobody, "GET", "/account", "").Status)
	nobody.session = "made-up"
	require.Equal(t, 401, do(t, nobody, "GET", "/account", "").Status)

	move(3*time.Minute - time.Second)
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	move(time.Second)
	require.Equal(t, 401, do(t, client, "GET", "/account", "").Status, "three minutes, unless told otherwise")
	require.Equal(t, 200, do(t, s.connect(t), "GET", "/account", "").Status, "a new session does")

	s.apple.Change(func(b *appletest.Behavior) { b.SessionLife, b.ForbiddenSessions = time.Hour, true })
	client = s.connect(t)
	move(59 * time.Minute)
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	s.apple.ExpireSessions()
	r := do(t, client, "GET", "/account", "")
	require.Equal(t, 403, r.Status)
	require.Equal(t, "FORBIDDEN", r.Body)
}

func TestSessionsRotate(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	require.Empty(t, do(t, client, "GET", "/account", "").Header.Get("X-ADM-Auth-Session"))

	s.apple.Change(func(b *appletest.Behavior) { b.RotateSessions = true })
	next := client
	next.session = do(t, client, "GET", "/account", "").Header.Get("X-ADM-Auth-Session")
	require.NotEmpty(t, next.session)
	require.NotEqual(t, client.session, next.session)
	require.Equal(t, 200, do(t, next, "GET", "/account", "").Status)
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status, "the old one lives on")

	s.apple.Change(func(b *appletest.Behavior) { b.RotationEndsOld = true })
	r := do(t, client, "GET", "/profile", "")
	require.Equal(t, 400, r.Status)
	require.NotEmpty(t, r.Header.Get("X-ADM-Auth-Session"), "errors rotate too")
	require.Equal(t, 401, do(t, client, "GET", "/account", "").Status)
}

func TestOneSession(t *testing.T) {
	s := newShop(t, appletest.Options{})
	first, second := s.connect(t), s.connect(t)
	require.Equal(t, 200, do(t, first, "GET", "/account", "").Status)
	s.apple.Change(func(b *appletest.Behavior) { b.OneSession = true })
	third := s.connect(t)
	require.Equal(t, 401, do(t, first, "GET", "/account", "").Status)
	require.Equal(t, 401, do(t, second, "GET", "/account", "").Status)
	require.Equal(t, 200, do(t, third, "GET", "/account", "").Status)
}

func TestSessionEndsWhenItsTokenExpires(t *testing.T) {
	now, move := fixed(time.Now())
	s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{SessionLife: ages, TimestampWindow: ages}})
	client := s.connect(t)
	move(s.token.Expiry.Sub(now()) - time.Second)
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	move(time.Second)
	require.Equal(t, 401, do(t, client, "GET", "/account", "").Status)
	require.Equal(t, "token_rejected", s.session(t, s.token).Body)
}

func TestTermsStopEveryCallAndKillNothing(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	other := s.apple.AddOrganization("Other").AddAdmin("it@other.example")
	s.org.RequireTerms()
	for _, r := range []reply{
		s.session(t, s.token),
		do(t, client, "GET", "/account", ""), do(t, client, "POST", "/server/devices", "{}"),
		do(t, client, "POST", "/profile", "{}"),
	} {
		require.Equal(t, 403, r.Status)
		require.Equal(t, "T_C_NOT_SIGNED", r.Body)
	}
	require.Equal(t, 401, do(t, headers{next: s.apple.Transport()}, "GET", "/account", "").Status,
		"who is nobody learns nothing about terms")

	s.apple.Change(func(b *appletest.Behavior) { b.SessionDespiteTerms = true })
	client = s.connect(t)
	require.Equal(t, 403, do(t, client, "GET", "/account", "").Status)

	require.Error(t, s.org.AcceptTerms(other))
	require.Equal(t, 403, do(t, client, "GET", "/account", "").Status)
	require.NoError(t, s.org.AcceptTerms(s.admin))
	require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
	require.Equal(t, 200, s.session(t, s.token).Status)
}
