package renewal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// model is a small account of its own of what a renewal may do: what secrets the store holds, what Apple said, and what
// people confirmed. It knows nothing of states.
type model struct {
	w      world
	now    time.Time
	kept   map[string]bool // secret records in the store
	files  int
	vouchs map[string]bool // secrets of tokens that a person stood for
}

// tokens that may be uploaded; two expire in the same second.
var tokens = []renewal.Candidate{
	tokenOf("soon", 10*day), tokenOf("b", 100*day), tokenOf("c", 200*day), tokenOf("tie", 200*day), tokenOf("e", 400*day),
}

// newModel begins in any shape that a renewal can have.
func newModel(t *rapid.T, rows []machinetest.Row[world]) *model {
	row := rows[rapid.IntRange(0, len(rows)-1).Draw(t, "shape")]
	m := &model{w: row.S, now: row.At, vouchs: map[string]bool{}}
	m.kept = m.needed()
	if c := m.w.Run.Candidate; c != nil {
		m.vouchs[c.Secret] = c.ConfirmedBy.ID != ""
	}
	return m
}

// take lets something happen and compares what came of it with what may.
func (m *model) take(t *rapid.T, ev renewal.Event) renewal.Transition {
	before := m.w
	tr, err := before.Run.Step(policy, m.now, ev)
	again, errAgain := before.Run.Step(policy, m.now, ev)
	require.Equal(t, tr, again, "a step is deterministic")
	require.Equal(t, err == nil, errAgain == nil)
	if err != nil {
		var refused *renewal.TransitionError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, before.Run, tr.Renewal)
		return tr
	}
	if tr.Activate != nil {
		m.mayActivate(t, ev, *tr.Activate)
	}
	if asked, is := ev.(renewal.PublishRequested); is {
		require.Nil(t, before.Run.Candidate, "a certificate was saved at Apple while a token is being checked: it would end that")
		require.Equal(t, enrollment.Person, asked.By.Kind, "a certificate is saved at Apple on a person's command only")
	}
	if _, taken := ev.(renewal.CertificateTaken); taken && before.Run.Candidate != nil {
		require.True(t, before.Run.CertificateOut(), "a first certificate left while a token is being checked: it could end that")
	}
	m.w = before.after(tr)
	m.store(t, ev, before, tr)
	m.repeat(t, ev)
	return tr
}

// mayActivate demands that a token is activated by Apple's word alone, or by a person's where there is nothing to compare.
func (m *model) mayActivate(t *rapid.T, ev renewal.Event, a enrollment.Activation) {
	server, token := m.w.Server, *m.w.Run.Candidate
	account := token.Account
	vouched := m.vouchs[token.Secret]
	switch ev := ev.(type) {
	case renewal.Verified:
		require.Equal(t, enrollment.OK, ev.Outcome)
		require.Nil(t, ev.Owner)
		account = &ev.Account
	case renewal.Confirmed:
		require.Equal(t, enrollment.Person, ev.By.Kind)
		require.Nil(t, ev.Owner)
		require.LessOrEqual(t, m.now.Sub(token.VerifiedAt), policy.FreshFor, "confirmed by an answer that is not fresh")
		vouched = true
	default:
		require.Fail(t, "activated by "+string(ev.Name()))
	}
	same := server.Pin.ServerUUID == account.ServerUUID
	require.True(t, server.Pin.IsZero() || same, "a token of another service was activated")
	require.True(t, same && server.Pin.OrgID == account.OrgID || vouched, "nobody stands for the identity")
	require.True(t, m.now.Before(a.Token.Expires), "an expired token was activated")
	if server.Token != nil {
		require.False(t, a.Token.Expires.Before(server.Token.Expires), "an older token was activated")
		require.NotEqual(t, server.Token.Fingerprint, a.Token.Fingerprint)
	}
	require.Equal(t, server.Generation()+1, a.Token.Generation)
	require.Equal(t, token.Secret, a.Token.Secret)
	require.True(t, m.kept[a.Token.Secret], "the secret of the new token is not in the store")
}

// store keeps account of the secrets: what is still needed is there, and at rest nothing else is.
func (m *model) store(t *rapid.T, ev renewal.Event, before world, tr renewal.Transition) {
	if up, is := ev.(renewal.TokenUploaded); is && tr.Moved && m.w.Run.Candidate != nil && m.w.Run.Candidate.Secret == up.Token.Secret {
		m.kept[up.Token.Secret] = true
	}
	for _, secret := range tr.Drop {
		require.True(t, m.kept[secret], "%s is dropped and is not there", secret)
		m.mayDrop(t, ev, before, secret)
		delete(m.kept, secret)
	}
	require.Equal(t, m.needed(), m.kept, "after %s: what is needed, and what the store holds", ev.Name())
}

// needed are the secrets that are referred to.
func (m *model) needed() map[string]bool {
	needed := map[string]bool{}
	if m.w.Server.Token != nil {
		needed[m.w.Server.Token.Secret] = true
	}
	if c := m.w.Run.Candidate; c != nil && m.w.Run.Live() {
		needed[c.Secret] = true
	}
	if c := m.w.Run.Refused; c != nil {
		needed[c.Secret] = true
	}
	for _, c := range m.w.Run.Spares {
		needed[c.Secret] = true
	}
	return needed
}

// mayDrop demands that a token which may be the only living one is not let go of for a reason that is none.
func (m *model) mayDrop(t *rapid.T, ev renewal.Event, before world, secret string) {
	c := before.Run.Candidate
	if c == nil || c.Secret != secret || !m.now.Before(c.Expires) {
		return
	}
	switch ev := ev.(type) {
	case renewal.TokenReplaced, renewal.ServerRetired, renewal.Confirmed:
	case renewal.CancelRequested:
		require.NotNil(t, c.Account, "cancelled before Apple has judged it")
	case renewal.Verified:
		if kept := m.w.Run.Refused; kept != nil && !kept.Expires.Before(c.Expires) {
			return // rejected, and one that is as new is kept for a recheck
		}
		require.Equal(t, enrollment.OK, ev.Outcome, "no answer of Apple's is no reason to lose a token")
	default:
		require.Fail(t, fmt.Sprintf("%s loses a token that has not expired", ev.Name()))
	}
}

// repeat demands that the same event a second time is harmless.
func (m *model) repeat(t *rapid.T, ev renewal.Event) {
	tr, err := m.w.Run.Step(policy, m.now, ev)
	if err != nil {
		return
	}
	require.Nil(t, tr.Activate, "%s activates twice", ev.Name())
	require.Empty(t, tr.Drop)
	result, is := resultOf(ev)
	if !is || result.Outcome == enrollment.OK { // a failure reported twice is two failures: only the wait is longer
		require.Equal(t, m.w.Run.State, tr.Renewal.State, "%s moves twice", ev.Name())
	}
	if is && result.Outcome == enrollment.OK {
		if pushed, is := ev.(renewal.PushChecked); !is || pushed.NotAfter.IsZero() || m.now.Before(pushed.NotAfter) {
			require.False(t, tr.Moved && !stillWanted(tr.Renewal, result.Effect), "a result counts twice: %s", ev.Name())
		}
	}
}

func resultOf(ev renewal.Event) (enrollment.Result, bool) {
	switch ev := ev.(type) {
	case renewal.PushChecked:
		return ev.Result, true
	case renewal.KeyMade:
		return ev.Result, true
	case renewal.Verified:
		return ev.Result, true
	case renewal.Notified:
		return ev.Result, true
	}
	return enrollment.Result{}, false
}

func stillWanted(r renewal.Renewal, id enrollment.EffectID) bool { return hasEffect(r.Pending, id) }

// upload gives a token to the renewal and demands that it is taken exactly where it must be.
func (m *model) upload(t *rapid.T) {
	m.files++
	c := tokens[rapid.IntRange(0, len(tokens)-1).Draw(t, "token")]
	c.Secret = fmt.Sprintf("secret_%d", m.files)
	up := renewal.TokenUploaded{By: tess, Token: c, Server: m.w.Server, Confirmed: rapid.Bool().Draw(t, "confirmed")}
	before := m.w
	active, candidate := before.Server.Token, before.Run.Candidate
	if !before.Run.Live() {
		candidate = nil
	}
	again := candidate != nil && candidate.Fingerprint == c.Fingerprint
	worth := m.now.Before(c.Expires) && !again &&
		(active == nil || active.Fingerprint != c.Fingerprint && !c.Expires.Before(active.Expires)) &&
		(candidate == nil || !c.Expires.Before(candidate.Expires))
	if up.Confirmed {
		m.vouchs[c.Secret] = true
		if again {
			m.vouchs[candidate.Secret] = true
		}
	}
	tr := m.take(t, up)
	if taken := tr.Renewal.Candidate; worth {
		require.True(t, tr.Moved && taken != nil && taken.Secret == c.Secret, "a good file was not taken in %s", before.Run.State)
		require.Equal(t, renewal.Verifying, tr.Renewal.State)
	} else {
		require.True(t, taken == nil || taken.Secret != c.Secret, "a bad file was taken in %s", before.Run.State)
	}
	expired := !m.now.Before(c.Expires)
	inUse := active != nil && active.Fingerprint == c.Fingerprint
	older := active != nil && c.Expires.Before(active.Expires)
	require.Equal(t, expired || !inUse && (older || !worth && !again), tr.Refused != nil, "the person hears of it")
}

// happen lets one of all events happen, at the moment it likes.
func (m *model) happen(t *rapid.T, among []event) {
	ev := among[rapid.IntRange(0, len(among)-1).Draw(t, "event")]
	t.Log(ev.Name)
	if ev.Late != nil {
		m.now = m.now.Add(ev.Late(m.w, m.now))
	}
	made := ev.Of(m.w, m.now)
	if c, is := made.(renewal.Confirmed); is && c.By.Kind == enrollment.Person && m.w.Run.Candidate != nil && m.w.Run.Candidate.Account != nil {
		m.vouchs[m.w.Run.Candidate.Secret] = true
	}
	if r, is := made.(renewal.TokenReplaced); is && r.Server.Token != nil {
		// An adoption replaces the token of the server in the same write, and drops the old one.
		if m.w.Server.Token != nil {
			delete(m.kept, m.w.Server.Token.Secret)
		}
		m.files++
		replaced := *r.Server.Token
		replaced.Secret = fmt.Sprintf("secret_%d", m.files)
		r.Server.Token = &replaced
		m.kept[replaced.Secret] = true
		m.w.Server, made = r.Server, r
	}
	m.take(t, made)
}

// Whatever happens in whatever order, a renewal does what the model allows and nothing else.
func TestRenewalAgainstTheModel(t *testing.T) {
	t.Parallel()
	all := events()
	but := func(names ...string) []event {
		return slices.DeleteFunc(slices.Clone(all), func(ev event) bool {
			for _, name := range names {
				if len(ev.Name) >= len(name) && ev.Name[:len(name)] == name {
					return true
				}
			}
			return false
		})
	}
	// Uploads have an action of their own. Answers that tell of a server that changed meanwhile are left to the matrix: the
	// model's server changes in the open.
	usual := but("upload:", "verified: the server", "token_replaced: by nothing", "confirm: taken")
	apple := slices.DeleteFunc(slices.Clone(usual), func(ev event) bool { return ev.Name[:min(len(ev.Name), 9)] != "verified:" })
	machine, rows := machine(), shapes(t)
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rows)
		t.Repeat(map[string]func(*rapid.T){
			"upload": m.upload,
			"happen": func(t *rapid.T) { m.happen(t, usual) },
			"apple":  func(t *rapid.T) { m.happen(t, apple) },
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(rapid.SampledFrom([]time.Duration{minute, hour, 3 * day, 60 * day}).Draw(t, "wait"))
				m.take(t, renewal.Ticked{})
			},
			"": func(t *rapid.T) { require.NoError(t, machine.Sound(m.w)) },
		})
	})
}
