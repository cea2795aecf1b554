package renewal_test

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

type event = machinetest.Event[world, renewal.Event]

// fact is an event that is never refused.
func fact(name string, of func(w world) renewal.Event) event {
	return event{Name: name, Of: func(w world, _ time.Time) renewal.Event { return of(w) }}
}

// asked is an event that a person causes.
func asked(name string, of func(w world) renewal.Event) event {
	ev := fact(name, of)
	ev.Asked = true
	return ev
}

// events are all ways in which something can happen to a renewal.
func events() []event {
	var all []event
	for _, some := range [][]event{people(), pushAnswers(), keyAnswers(), files(), verdicts(), others()} {
		all = append(all, some...)
	}
	return all
}

// people are what persons ask for, beside uploading.
func people() []event {
	return []event{
		asked("start", func(world) renewal.Event { return renewal.StartRequested{By: tess} }),
		asked("override_push: with a reason", func(world) renewal.Event {
			return renewal.PushOverridden{By: tess, Reason: "the renewal is under way"}
		}),
		asked("override_push: without a reason", func(world) renewal.Event { return renewal.PushOverridden{By: tess, Reason: " "} }),
		asked("override_push: by a key", func(world) renewal.Event { return renewal.PushOverridden{By: robot, Reason: "now"} }),
		asked("certificate", func(world) renewal.Event { return renewal.CertificateRequested{By: tess} }),
		asked("certificate_taken", func(world) renewal.Event { return renewal.CertificateTaken{By: tess} }),
		asked("publish: by a person", func(world) renewal.Event { return renewal.PublishRequested{By: tess} }),
		asked("publish: by a key", func(world) renewal.Event { return renewal.PublishRequested{By: robot} }),
		asked("confirm: by a person", func(w world) renewal.Event { return renewal.Confirmed{By: tess, Server: w.Server} }),
		asked("confirm: by a key", func(w world) renewal.Event { return renewal.Confirmed{By: robot, Server: w.Server} }),
		asked("confirm: taken meanwhile", func(w world) renewal.Event {
			return renewal.Confirmed{By: tess, Server: w.Server, Owner: &renewal.Owner{Server: "srv_9"}}
		}),
		asked("recheck", func(world) renewal.Event { return renewal.RecheckRequested{By: tess} }),
		asked("cancel", func(world) renewal.Event { return renewal.CancelRequested{By: tess} }),
	}
}

func pushAnswers() []event {
	answer := func(name string, outcome enrollment.Outcome, fill func(*renewal.PushChecked)) event {
		return fact("push_checked: "+name, func(w world) renewal.Event {
			ev := renewal.PushChecked{Result: enrollment.Result{Effect: w.pending(enrollment.CheckPush), Outcome: outcome}}
			if fill != nil {
				fill(&ev)
			}
			return ev
		})
	}
	expired := func(ev *renewal.PushChecked) { ev.NotAfter = noon.Add(-day) }
	return []event{
		answer("valid", enrollment.OK, func(ev *renewal.PushChecked) { ev.NotAfter = noon.Add(2 * year) }),
		answer("valid, with a finding", enrollment.OK, func(ev *renewal.PushChecked) {
			ev.NotAfter, ev.Finding = noon.Add(2*year), "the topic differs"
		}),
		answer("validity unknown", enrollment.OK, nil),
		answer("expired", enrollment.OK, expired),
		answer("expired, and the token is rejected", enrollment.OK, func(ev *renewal.PushChecked) {
			expired(ev)
			ev.Health = enrollment.Rejected
		}),
		answer("no answer", enrollment.Retry, nil),
		answer("lost answer", enrollment.Unknown, nil),
		answer("nobody to ask", enrollment.Fatal, nil),
		answer("stale", enrollment.OK, func(ev *renewal.PushChecked) { ev.Effect = "rnw_1/0/stale" }),
	}
}

func keyAnswers() []event {
	made := func(name string, outcome enrollment.Outcome) event {
		return fact("key_made: "+name, func(w world) renewal.Event {
			return renewal.KeyMade{
				Result: enrollment.Result{Effect: w.pending(enrollment.MakeKey), Outcome: outcome}, KeyID: "key_1",
			}
		})
	}
	published := func(name string, outcome enrollment.Outcome) event {
		return fact("published: "+name, func(w world) renewal.Event {
			ev := renewal.Published{Result: enrollment.Result{Effect: "rnw_1/0/stale", Outcome: outcome}}
			if k := w.Run.Key; k != nil && k.Publication != nil {
				ev.Effect = k.Publication.Effect
			}
			return ev
		})
	}
	return []event{
		published("done", enrollment.OK), published("refused", enrollment.Fatal), published("lost answer", enrollment.Unknown),
		made("done", enrollment.OK), made("failed", enrollment.Retry), made("failed for good", enrollment.Fatal),
	}
}

// others are what happens without anybody asking the renewal.
func others() []event {
	replaced := func(name string, expires time.Duration, fingerprint string) event {
		return fact("token_replaced: "+name, func(w world) renewal.Event {
			s := w.Server
			s.Token = &enrollment.Token{Generation: s.Generation() + 1, Secret: "tok_adopted", Fingerprint: fingerprint, Expires: noon.Add(expires)}
			return renewal.TokenReplaced{Server: s}
		})
	}
	ticked := func(name string, late func(w world, now time.Time) time.Duration, health enrollment.Health) event {
		ev := fact("tick: "+name, func(world) renewal.Event { return renewal.Ticked{Health: health} })
		ev.Late = late
		return ev
	}
	until := func(at func(w world) time.Time) func(world, time.Time) time.Duration {
		return func(w world, now time.Time) time.Duration { return max(0, at(w).Sub(now)) }
	}
	notified := func(name string, outcome enrollment.Outcome) event {
		return fact("notified: "+name, func(w world) renewal.Event {
			return renewal.Notified{Result: enrollment.Result{Effect: w.pending(enrollment.SendNotice), Outcome: outcome}}
		})
	}
	return []event{
		replaced("by the newest", 2*year, "fp_adopted"),
		replaced("by one older than the candidate", 30*day, "fp_adopted"),
		replaced("by the candidate itself", year, "fp_new"),
		fact("token_replaced: by nothing", func(world) renewal.Event { return renewal.TokenReplaced{Server: bare()} }),
		fact("server_retired", func(world) renewal.Event { return renewal.ServerRetired{By: tess} }),
		ticked("at once", nil, ""),
		ticked("the token is rejected", nil, enrollment.Rejected),
		ticked("the reminder is due", until(func(w world) time.Time { return w.Run.RemindAt }), ""),
		ticked("the wait is over", until(func(w world) time.Time { return w.Run.LapseAt }), ""),
		notified("delivered", enrollment.OK),
		notified("not delivered", enrollment.Retry),
		notified("refused", enrollment.Fatal),
	}
}
