package renewal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

type watchEvent = machinetest.Event[renewal.Watch, renewal.WatchEvent]

// watched is what the tests of a watch need to know of the kind of credential that it looks after. The machine is one; it
// is held to the same rules with each kind.
type watched struct {
	name  string
	start renewal.Watch
	probe enrollment.EffectKind
	wrong string // how a probe is accepted although something is wrong
	code  enrollment.Code
}

func tokenWatched() watched {
	return watched{
		"watch", renewal.NewWatch("acme", "srv_1"), enrollment.ProbeToken,
		"accepted, of another service", enrollment.CodeOtherService,
	}
}

func pushWatched() watched {
	return watched{
		"push_watch", renewal.NewPushWatch("acme", "psh_1"), enrollment.ProbePush,
		"accepted, of another issuer", enrollment.CodePushBad,
	}
}

// ofEach runs a test with each kind of watch.
func ofEach(t *testing.T, test func(t *testing.T, k watched)) {
	for _, k := range []watched{tokenWatched(), pushWatched()} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// watchMachine drives a watch as a host does. Its revision is that of the server's record.
func watchMachine() machinetest.Machine[renewal.Watch, renewal.WatchEvent] {
	return machinetest.Machine[renewal.Watch, renewal.WatchEvent]{
		Step: func(w renewal.Watch, now time.Time, ev renewal.WatchEvent) (machinetest.Stepped[renewal.Watch], error) {
			tr, err := w.Step(policy, now, ev)
			if err != nil || !tr.Moved {
				return machinetest.Stepped[renewal.Watch]{Next: tr.Watch}, err
			}
			return machinetest.Stepped[renewal.Watch]{Next: tr.Watch, Moved: true, Notes: watchNotes(w, now, tr)}, nil
		},
		State:   func(w renewal.Watch) string { return string(w.State) },
		Live:    func(w renewal.Watch) bool { return w.State == renewal.Watching || w.State == renewal.WatchProbing },
		Wake:    func(w renewal.Watch) time.Time { return w.Wake() },
		Pending: func(w renewal.Watch) []enrollment.Effect { return w.Pending },
	}
}

// watchNotes tell what a move does beside states and effects: the health, notices, and when Apple is asked next.
func watchNotes(w renewal.Watch, now time.Time, tr renewal.WatchTransition) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if was, is := w.Health(policy, now), tr.Watch.Health(policy, now); was != is {
		say("health %s", is)
	}
	for _, x := range tr.Watch.Pending {
		if x.Notice == nil || hasEffect(w.Pending, x.ID) {
			continue
		}
		switch {
		case x.Notice.Cleared:
			say("clears %s", x.Notice.Kind)
		case x.Notice.Kind == enrollment.NoticeExpiry:
			say("reminds %d", x.Notice.Days)
		default:
			say("tells %s", x.Notice.Kind)
		}
	}
	if was, is := code(w.Problem), code(tr.Watch.Problem); was != is {
		say("problem %s", is)
	}
	if tr.Watch.State == renewal.Watching && !tr.Watch.ProbeAt.Equal(w.ProbeAt) {
		say("asks in %v", tr.Watch.ProbeAt.Sub(now).Round(hour))
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func hasEffect(pending []enrollment.Effect, id enrollment.EffectID) bool {
	for _, x := range pending {
		if x.ID == id {
			return true
		}
	}
	return false
}

func watchEffect(w renewal.Watch, kind enrollment.EffectKind) enrollment.EffectID {
	for _, x := range w.Pending {
		if x.Kind == kind {
			return x.ID
		}
	}
	return enrollment.NewEffectID(w.Subject, 0, "stale")
}

// events are all ways in which something can happen to a watch.
func (k watched) events() []watchEvent {
	plain := func(name string, ev renewal.WatchEvent) watchEvent {
		return watchEvent{Name: name, Of: func(renewal.Watch, time.Time) renewal.WatchEvent { return ev }}
	}
	of := func(name string, make func(w renewal.Watch, now time.Time) renewal.WatchEvent) watchEvent {
		return watchEvent{Name: name, Of: make}
	}
	activated := func(name string, generation int64, expires time.Duration, verified bool) watchEvent {
		return of("credential_activated: "+name, func(w renewal.Watch, now time.Time) renewal.WatchEvent {
			return renewal.CredentialActivated{Generation: w.Generation + generation, Expires: now.Add(expires), Verified: verified}
		})
	}
	probed := func(name string, outcome enrollment.Outcome, answer enrollment.Answer, fill func(*renewal.Probed)) watchEvent {
		return of("probed: "+name, func(w renewal.Watch, _ time.Time) renewal.WatchEvent {
			ev := renewal.Probed{
				Result: enrollment.Result{Effect: watchEffect(w, k.probe), Outcome: outcome}, Answer: answer,
			}
			if fill != nil {
				fill(&ev)
			}
			return ev
		})
	}
	answered := func(name string, older int64, answer enrollment.Answer) watchEvent {
		return of("host_answered: "+name, func(w renewal.Watch, _ time.Time) renewal.WatchEvent {
			return renewal.HostAnswered{Generation: w.Generation - older, Answer: answer}
		})
	}
	notified := func(name string, outcome enrollment.Outcome) watchEvent {
		return of("notified: "+name, func(w renewal.Watch, _ time.Time) renewal.WatchEvent {
			return renewal.WatchNotified{Result: enrollment.Result{Effect: watchEffect(w, enrollment.SendNotice), Outcome: outcome}}
		})
	}
	ticked := func(name string, at func(w renewal.Watch) time.Time) watchEvent {
		ev := plain("tick: "+name, renewal.WatchTicked{})
		ev.Late = func(w renewal.Watch, now time.Time) time.Duration { return max(0, at(w).Sub(now)) }
		return ev
	}
	quiet := of("quiet", func(_ renewal.Watch, now time.Time) renewal.WatchEvent {
		return renewal.Quieted{By: tess, Until: now.Add(10 * day)}
	})
	check := plain("check", renewal.CheckRequested{By: tess})
	quiet.Asked, check.Asked = true, true
	return []watchEvent{
		activated("verified", 1, year, true),
		activated("unverified", 1, year, false),
		activated("close to its end", 1, 3*day+2*hour, true),
		of("credential_activated: without an expiry", func(w renewal.Watch, _ time.Time) renewal.WatchEvent {
			return renewal.CredentialActivated{Generation: w.Generation + 1, Verified: true}
		}),
		activated("stale", 0, year, true),
		probed("accepted", enrollment.OK, enrollment.Accepted, nil),
		probed(k.wrong, enrollment.OK, enrollment.Accepted, func(ev *renewal.Probed) {
			ev.Problem = enrollment.NewProblem(k.code)
		}),
		probed("rejected", enrollment.OK, enrollment.AnswerRejected, func(ev *renewal.Probed) { ev.Reason = "token_rejected" }),
		probed("terms pending", enrollment.OK, enrollment.AnswerTerms, nil),
		probed("no answer", enrollment.Retry, enrollment.NoAnswer, nil),
		probed("no answer, come back later", enrollment.Retry, enrollment.NoAnswer, func(ev *renewal.Probed) { ev.RetryAfter = 90 * day }),
		probed("lost answer", enrollment.Unknown, enrollment.NoAnswer, nil),
		probed("nobody can ask", enrollment.Fatal, enrollment.NoAnswer, nil),
		probed("stale", enrollment.OK, enrollment.AnswerRejected, func(ev *renewal.Probed) { ev.Effect = watchEffect(renewal.Watch{}, "") }),
		answered("accepted", 0, enrollment.Accepted),
		answered("rejected", 0, enrollment.AnswerRejected),
		answered("terms pending", 0, enrollment.AnswerTerms),
		answered("nothing", 0, enrollment.NoAnswer),
		answered("rejected, with an older token", 1, enrollment.AnswerRejected),
		plain("certificate_left", renewal.CertificateLeft{}),
		check,
		quiet,
		ticked("at once", func(renewal.Watch) time.Time { return time.Time{} }),
		ticked("the probe is due", func(w renewal.Watch) time.Time { return w.ProbeAt }),
		ticked("the reminder is due", func(w renewal.Watch) time.Time { return w.RemindAt }),
		ticked("the health changes", func(w renewal.Watch) time.Time { return w.HealthAt }),
		notified("delivered", enrollment.OK),
		notified("not delivered", enrollment.Retry),
		notified("refused", enrollment.Fatal),
		plain("credential_retired", renewal.CredentialRetired{}),
	}
}

// watchStory plays named events on a watch.
type watchStory struct {
	t   testing.TB
	k   watched
	w   renewal.Watch
	now time.Time
}

func (k watched) story(t testing.TB) *watchStory {
	return &watchStory{t: t, k: k, w: k.start, now: noon}
}

func (s *watchStory) do(names ...string) *watchStory {
	s.t.Helper()
	for _, name := range names {
		found := false
		for _, ev := range s.k.events() {
			if ev.Name != name {
				continue
			}
			found = true
			if ev.Late != nil {
				s.now = s.now.Add(ev.Late(s.w, s.now))
			}
			tr, err := s.w.Step(policy, s.now, ev.Of(s.w, s.now))
			require.NoError(s.t, err, name)
			require.True(s.t, tr.Moved, "%s is ignored in %s", name, s.w.State)
			s.w = tr.Watch
		}
		require.True(s.t, found, "there is no event %q", name)
	}
	return s
}

func (s *watchStory) pass(d time.Duration) *watchStory {
	s.now = s.now.Add(d)
	return s
}

// shapes are a snapshot of every state of a watch, in every shape that makes a difference.
func (k watched) shapes(t testing.TB) []machinetest.Row[renewal.Watch] {
	t.Helper()
	var rows []machinetest.Row[renewal.Watch]
	add := func(name string, s *watchStory) {
		rows = append(rows, machinetest.Row[renewal.Watch]{Name: name, At: s.now, S: s.w})
	}
	const accepted, rejected, terms, silence = "probed: accepted", "probed: rejected", "probed: terms pending", "probed: no answer"
	held := func() *watchStory { return k.story(t).do("credential_activated: verified") }
	probing := func() *watchStory { return held().do("tick: the probe is due") }
	adopted := func() *watchStory { return k.story(t).do("credential_activated: unverified") }
	add("missing", k.story(t))
	add("watching", held().pass(hour))
	add("watching: never checked", adopted())
	add("watching: certificate out", held().do("certificate_left"))
	add("watching: rejected", probing().do(rejected))
	add("watching: rejected, people know", probing().do(rejected, "notified: delivered").pass(hour))
	if k.probe == enrollment.ProbeToken {
		add("watching: terms pending", probing().do(terms))
	}
	add("watching: no answer", probing().do(silence))
	add("watching: unreachable", probing().do(silence).pass(4*day).do("tick: the probe is due", silence))
	add("watching: expiring", k.story(t).do("credential_activated: close to its end", "notified: delivered"))
	add("watching: expired", k.story(t).do("credential_activated: close to its end").pass(6*day).do("tick: at once", silence))
	add("watching: quiet", k.story(t).do("credential_activated: close to its end", "quiet"))
	add("watching: no expiry known", k.story(t).do("credential_activated: without an expiry"))
	add("probing", probing())
	add("probing: never checked", adopted().do("tick: the probe is due"))
	add("probing: rejected", probing().do(rejected, "check"))
	add("probing: the host was refused", held().do("host_answered: rejected"))
	add("probing: certificate out", held().do("certificate_left", "tick: the probe is due"))
	add("retired", held().do("credential_retired"))
	add("retired: word of it waits", probing().do(rejected, "credential_retired"))
	return rows
}
