package renewal_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// watchModel is a small account of its own of what a watch must think and say.
type watchModel struct {
	k   watched
	w   renewal.Watch
	now time.Time

	answer     enrollment.Answer
	unanswered time.Time // since when Apple does not answer
	quiet      time.Time
	closely    time.Time       // until when it is watched closely
	reminded   map[string]bool // generation and level
	lowest     int             // the last level of this credential
	told       map[string]bool // notices by ID
	threads    map[enrollment.NoticeKind]bool
}

// levelOf is the reminder level of an expiry, the slow and plain way; false: none is reached yet.
func levelOf(expires, now time.Time) (int, bool) {
	if !now.Before(expires) {
		level := 0
		for at := expires.Add(7 * day); !now.Before(at); at = at.Add(7 * day) {
			level -= 7
		}
		return level, true
	}
	for _, days := range []int{0, 1, 3, 7, 14, 30, 60} {
		if !now.Before(expires.Add(-time.Duration(days) * day)) {
			return days, true
		}
	}
	return 0, false
}

// health is what the credential's state must be called.
func (m *watchModel) health() enrollment.Health {
	expires := m.w.Expires
	switch {
	case m.w.Generation == 0:
		return enrollment.Missing
	case !expires.IsZero() && !m.now.Before(expires):
		return enrollment.Expired
	case m.answer == enrollment.AnswerRejected:
		return enrollment.Rejected
	case m.answer == enrollment.AnswerTerms:
		return enrollment.TermsPending
	case !expires.IsZero() && expires.Sub(m.now) <= 30*day:
		return enrollment.Expiring
	case !m.unanswered.IsZero() && m.now.Sub(m.unanswered) >= 3*day:
		return enrollment.Unreachable
	case m.answer == enrollment.NoAnswer:
		return enrollment.NeverChecked
	}
	return enrollment.Active
}

func (m *watchModel) take(t *rapid.T, ev renewal.WatchEvent) {
	before := m.w
	tr, err := before.Step(policy, m.now, ev)
	again, _ := before.Step(policy, m.now, ev)
	require.Equal(t, tr, again, "a step is deterministic")
	if err != nil {
		require.Equal(t, before, tr.Watch)
		return
	}
	m.learn(before, ev)
	m.w = tr.Watch
	m.notices(t, before)
	require.Equal(t, m.health(), m.w.Health(policy, m.now), "after %s", ev.Name())
	if m.w.State != renewal.Watching && m.w.State != renewal.WatchProbing {
		return
	}
	m.reminders(t, ev)
	for kind, answer := range map[enrollment.NoticeKind]enrollment.Answer{
		enrollment.NoticeRejected: enrollment.AnswerRejected, enrollment.NoticeTerms: enrollment.AnswerTerms,
	} {
		require.Equal(t, m.answer == answer, m.threads[kind], "after %s: the thread of %s", ev.Name(), kind)
	}
	if tr.Moved {
		m.pace(t, ev)
	}
}

// learn takes note of what an event definitely says.
func (m *watchModel) learn(before renewal.Watch, ev renewal.WatchEvent) {
	if before.State == renewal.WatchRetired {
		return
	}
	said := func(a enrollment.Answer) { m.answer, m.unanswered = a, time.Time{} }
	definite := func(a enrollment.Answer) bool {
		return a == enrollment.Accepted || a == enrollment.AnswerRejected ||
			a == enrollment.AnswerTerms && m.k.probe == enrollment.ProbeToken // Apple has no terms for push certificates
	}
	switch ev := ev.(type) {
	case renewal.CredentialActivated:
		if ev.Generation <= before.Generation {
			return
		}
		said(enrollment.NoAnswer)
		if ev.Verified {
			said(enrollment.Accepted)
		}
		m.lowest, m.quiet, m.closely = 1<<20, time.Time{}, time.Time{}
	case renewal.Probed:
		switch {
		case !hasEffect(before.Pending, ev.Effect):
		case ev.Outcome == enrollment.OK && definite(ev.Answer):
			said(ev.Answer)
		case ev.Outcome == enrollment.Fatal: // nobody can ask, which is no silence of Apple's
		case m.unanswered.IsZero():
			m.unanswered = m.now
		}
	case renewal.HostAnswered:
		if before.Generation > 0 && ev.Generation == before.Generation && definite(ev.Answer) {
			said(ev.Answer)
		}
	case renewal.CertificateLeft:
		m.closely = m.now.Add(7 * day)
	case renewal.Quieted:
		m.quiet = ev.Until
	}
}

// notices demands that each thread is opened and closed in turn, that no notice has a used ID, and keeps reminders apart.
func (m *watchModel) notices(t *rapid.T, before renewal.Watch) {
	for _, x := range m.w.Pending {
		n := x.Notice
		if n == nil || hasEffect(before.Pending, x.ID) {
			continue
		}
		require.False(t, m.told[n.ID], "the ID %s is used twice", n.ID)
		m.told[n.ID] = true
		m.words(t, n)
		if n.Cleared {
			require.True(t, m.threads[n.Kind], "a thread that is not open was cleared")
		}
		m.threads[n.Kind] = !n.Cleared
		if n.Kind == enrollment.NoticeExpiry && !n.Cleared {
			key := fmt.Sprint(m.w.Generation, "/", n.Days)
			require.False(t, m.reminded[key], "reminded twice of %d days", n.Days)
			require.Less(t, n.Days, m.lowest, "reminders go down")
			level, due := levelOf(m.w.Expires, m.now)
			require.True(t, due && level == n.Days, "reminded of %d days at level %d", n.Days, level)
			require.False(t, m.now.Before(m.quiet), "reminded although quiet was asked for")
			m.reminded[key], m.lowest = true, n.Days
		}
	}
}

// words demands that a notice says whose trouble it is, in the words of that kind of credential.
func (m *watchModel) words(t *rapid.T, n *enrollment.Notice) {
	server, push := string(n.Server), string(n.Push)
	over := !m.w.Expires.IsZero() && !m.now.Before(m.w.Expires)
	want := map[enrollment.NoticeKind]string{enrollment.NoticeRejected: "token_rejected", enrollment.NoticeTerms: "terms_pending"}
	if over {
		want[enrollment.NoticeRejected] = "token_expired"
	}
	if m.k.probe == enrollment.ProbePush {
		server, push = push, server
		want = map[enrollment.NoticeKind]string{enrollment.NoticeRejected: "push_dead"}
		if over {
			want[enrollment.NoticeRejected], want[enrollment.NoticeExpiry] = "push_over", "push_over"
		}
	}
	require.Equal(t, m.k.start.Subject, server)
	require.Empty(t, push)
	if n.Cleared {
		want[n.Kind] = ""
	}
	require.Equal(t, cmp.Or(want[n.Kind], "none"), code(n.Problem), "the problem of a notice of kind %s", n.Kind)
}

// reminders demands that the present level was not missed.
func (m *watchModel) reminders(t *rapid.T, ev renewal.WatchEvent) {
	if m.w.Expires.IsZero() || m.now.Before(m.quiet) {
		return
	}
	if level, due := levelOf(m.w.Expires, m.now); due {
		if ticked := ev.Name() == renewal.EventWatchTicked; ticked {
			require.LessOrEqual(t, m.lowest, level, "the reminder of %d days was missed", level)
		}
	}
}

// pace demands that Apple is asked as often as it should be, and no more.
func (m *watchModel) pace(t *rapid.T, ev renewal.WatchEvent) {
	if m.w.State != renewal.Watching {
		return
	}
	most := policy.ProbeEvery * 9 / 8
	if m.answer == enrollment.Accepted && m.now.Before(m.closely) {
		most = policy.RecheckEvery * 9 / 8
	}
	if asked, is := ev.(renewal.Probed); is {
		switch {
		case asked.RetryAfter > 0:
			most = 27 * hour // Apple asked for it
		case asked.Outcome == enrollment.Fatal:
			most = policy.ProbeEvery * 9 / 8 // nobody can ask, however close it is looked at
		}
	}
	if left := m.w.ProbeAt.Sub(m.now); ev.Name() == renewal.EventProbed || ev.Name() == renewal.EventCertificateLeft {
		require.LessOrEqual(t, left, most, "after %s", ev.Name())
		require.Positive(t, left)
	}
}

// Whatever happens in whatever order, a watch thinks and says what the model does.
func TestWatchAgainstTheModel(t *testing.T) { ofEach(t, watchAgainstTheModel) }

func watchAgainstTheModel(t *testing.T, k watched) {
	all := slices.DeleteFunc(k.events(), func(ev watchEvent) bool { return ev.Name == "credential_retired" })
	apple := slices.DeleteFunc(slices.Clone(all), func(ev watchEvent) bool { return ev.Name[:min(len(ev.Name), 7)] != "probed:" })
	machine := watchMachine()
	rapid.Check(t, func(t *rapid.T) {
		m := &watchModel{
			k: k, w: k.start, now: noon, reminded: map[string]bool{}, told: map[string]bool{},
			threads: map[enrollment.NoticeKind]bool{},
		}
		happen := func(among []watchEvent) func(*rapid.T) {
			return func(t *rapid.T) {
				ev := among[rapid.IntRange(0, len(among)-1).Draw(t, "event")]
				t.Log(ev.Name)
				if ev.Late != nil {
					m.now = m.now.Add(ev.Late(m.w, m.now))
				}
				m.take(t, ev.Of(m.w, m.now))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"happen": happen(all),
			"apple":  happen(apple),
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(rapid.SampledFrom([]time.Duration{minute, hour, 5 * hour, day, 8 * day, 40 * day}).Draw(t, "wait"))
				m.take(t, renewal.WatchTicked{})
			},
			"": func(t *rapid.T) { require.NoError(t, machine.Sound(m.w)) },
		})
		m.take(t, renewal.CredentialRetired{})
		for kind, open := range m.threads {
			require.False(t, open, "the thread of %s stays open for ever", kind)
		}
	})
}
