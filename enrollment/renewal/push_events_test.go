package renewal_test

import (
	"slices"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// pushFact is an event that is never refused.
func pushFact(name string, of func(w pushWorld) renewal.PushEvent) pushEvent {
	return pushEvent{Name: name, Of: func(w pushWorld, _ time.Time) renewal.PushEvent { return of(w) }}
}

// pushAsked is an event that a person causes.
func pushAsked(name string, of func(w pushWorld) renewal.PushEvent) pushEvent {
	ev := pushFact(name, of)
	ev.Asked = true
	return ev
}

// pushEvents are all ways in which something can happen to a push certificate's renewal.
func pushEvents() []pushEvent {
	return slices.Concat(pushPeople(), pushKeys(), pushFiles(), pushProbes(), pushOthers())
}

func pushPeople() []pushEvent {
	return []pushEvent{
		pushAsked("start", func(pushWorld) renewal.PushEvent { return renewal.StartRequested{By: tess} }),
		pushAsked("request_taken", func(pushWorld) renewal.PushEvent { return renewal.RequestTaken{By: tess} }),
		pushAsked("recheck", func(pushWorld) renewal.PushEvent { return renewal.RecheckRequested{By: tess} }),
		pushAsked("cancel", func(pushWorld) renewal.PushEvent { return renewal.CancelRequested{By: tess} }),
	}
}

func pushKeys() []pushEvent {
	made := func(name string, outcome enrollment.Outcome, id string) pushEvent {
		return pushFact("key_made: "+name, func(w pushWorld) renewal.PushEvent {
			return renewal.KeyMade{Result: enrollment.Result{Effect: w.pending(enrollment.MakePushKey), Outcome: outcome}, KeyID: id}
		})
	}
	return []pushEvent{
		made("done", enrollment.OK, "key_1"), made("failed", enrollment.Fatal, ""), made("without a name", enrollment.OK, ""),
		pushFact("key_made: stale", func(pushWorld) renewal.PushEvent {
			return renewal.KeyMade{Result: enrollment.Result{Effect: "rnw_1/0/stale", Outcome: enrollment.OK}, KeyID: "key_9"}
		}),
	}
}

func pushFiles() []pushEvent {
	up := func(name string, expires time.Duration, fill func(*renewal.CertificateUploaded)) pushEvent {
		return pushAsked("upload_certificate: "+name, func(w pushWorld) renewal.PushEvent {
			ev := renewal.CertificateUploaded{By: tess, Certificate: pushOf(name, expires), Push: w.Push, Devices: 120}
			if fill != nil {
				fill(&ev)
			}
			return ev
		})
	}
	return []pushEvent{
		up("renewed", 365*day, nil),
		up("renewed again", 366*day, nil),
		up("as old as the renewed one", 365*day, nil),
		up("expired", -day, nil),
		up("older than the one in use", 10*day, nil),
		up("as old as the one in use", 20*day, nil),
		up("the one in use", 20*day, func(ev *renewal.CertificateUploaded) { ev.Certificate.Fingerprint = "fp_active" }),
		up("created instead of renewed", 365*day, func(ev *renewal.CertificateUploaded) { ev.Certificate.Topic = otherTopic }),
		up("created, devices unknown", 365*day, func(ev *renewal.CertificateUploaded) { ev.Certificate.Topic, ev.Devices = otherTopic, 0 }),
		up("of a lost key", 365*day, func(ev *renewal.CertificateUploaded) { ev.Certificate.KeyID = "" }),
		up("without a topic", 365*day, func(ev *renewal.CertificateUploaded) { ev.Certificate.Topic = "" }),
		up("after the end", 365*day, func(ev *renewal.CertificateUploaded) { ev.Push.RetiredAt = noon }),
		pushFact("upload_refused: no certificate", func(pushWorld) renewal.PushEvent {
			return renewal.UploadRefused{By: tess, Problem: enrollment.NewProblem(enrollment.CodePushNoKeyFits)}
		}),
		pushFact("upload_refused: for no reason", func(pushWorld) renewal.PushEvent { return renewal.UploadRefused{By: tess} }),
	}
}

func pushProbes() []pushEvent {
	said := func(name string, outcome enrollment.Outcome, answer enrollment.Answer, fill func(*renewal.PushProbed)) pushEvent {
		return pushFact("probed: "+name, func(w pushWorld) renewal.PushEvent {
			ev := renewal.PushProbed{
				Result: enrollment.Result{Effect: w.pending(enrollment.ProbePush), Outcome: outcome},
				Answer: answer, Push: w.Push, Devices: 120,
			}
			if fill != nil {
				fill(&ev)
			}
			return ev
		})
	}
	meanwhile := func(name string, c enrollment.PushCertificate) pushEvent {
		return said("accepted, "+name, enrollment.OK, enrollment.Accepted, func(ev *renewal.PushProbed) { ev.Push.Certificate = &c })
	}
	late := said("accepted, too late", enrollment.OK, enrollment.Accepted, nil)
	late.Late = func(w pushWorld, now time.Time) time.Duration { return max(0, expiresOf(w, now).Sub(now)) }
	return []pushEvent{
		said("accepted", enrollment.OK, enrollment.Accepted, nil), late,
		said("refused", enrollment.OK, enrollment.AnswerRejected, func(ev *renewal.PushProbed) { ev.Reason = "BadCertificate" }),
		said("an answer that is none", enrollment.OK, enrollment.AnswerTerms, nil),
		said("no answer", enrollment.Retry, enrollment.NoAnswer, nil),
		said("lost answer", enrollment.Unknown, enrollment.Accepted, nil),
		said("nobody can ask", enrollment.Fatal, enrollment.NoAnswer, nil),
		said("stale", enrollment.OK, enrollment.Accepted, func(ev *renewal.PushProbed) { ev.Effect = "rnw_1/0/stale" }),
		said("accepted, retired meanwhile", enrollment.OK, enrollment.Accepted, func(ev *renewal.PushProbed) { ev.Push.RetiredAt = noon }),
		meanwhile("in use meanwhile", enrollment.PushCertificate{Generation: 2, Secret: "push_in", Fingerprint: "fp_renewed", Topic: ourTopic, Expires: noon.Add(365 * day)}),
		meanwhile("a newer one in use meanwhile", enrollment.PushCertificate{Generation: 2, Secret: "push_in", Fingerprint: "fp_in", Topic: ourTopic, Expires: noon.Add(400 * day)}),
		meanwhile("another topic meanwhile", enrollment.PushCertificate{Generation: 2, Secret: "push_in", Fingerprint: "fp_in", Topic: otherTopic, Expires: noon.Add(30 * day)}),
	}
}

func expiresOf(w pushWorld, now time.Time) time.Time {
	if w.Run.Candidate == nil {
		return now
	}
	return w.Run.Candidate.Expires
}

func pushOthers() []pushEvent {
	replaced := func(name string, c *enrollment.PushCertificate) pushEvent {
		return pushFact("certificate_replaced: "+name, func(w pushWorld) renewal.PushEvent {
			p := w.Push
			p.Certificate = c
			return renewal.PushReplaced{Push: p}
		})
	}
	in := func(expires time.Duration, topic string) *enrollment.PushCertificate {
		return &enrollment.PushCertificate{Generation: 2, Secret: "push_in", Fingerprint: "fp_in", Topic: topic, Expires: noon.Add(expires)}
	}
	proven := func(name string, of func(w pushWorld) string) pushEvent {
		return pushFact("proven: "+name, func(w pushWorld) renewal.PushEvent {
			return renewal.PushProven{Fingerprint: of(w), Push: w.Push}
		})
	}
	notified := func(name string, outcome enrollment.Outcome) pushEvent {
		return pushFact("notified: "+name, func(w pushWorld) renewal.PushEvent {
			return renewal.Notified{Result: enrollment.Result{Effect: w.pending(enrollment.SendNotice), Outcome: outcome}}
		})
	}
	ticked := func(name string, at func(w pushWorld, now time.Time) time.Time) pushEvent {
		ev := pushFact("tick: "+name, func(pushWorld) renewal.PushEvent { return renewal.PushTicked{} })
		ev.Late = func(w pushWorld, now time.Time) time.Duration { return max(0, at(w, now).Sub(now)) }
		return ev
	}
	return []pushEvent{
		proven("the one in use", func(w pushWorld) string {
			if w.Push.Certificate == nil {
				return ""
			}
			return w.Push.Certificate.Fingerprint
		}),
		proven("another one", func(pushWorld) string { return "fp_other" }),
		replaced("by the newest", in(400*day, ourTopic)),
		replaced("by one older than the candidate", in(300*day, ourTopic)),
		replaced("by one of another topic", in(400*day, otherTopic)),
		replaced("by the candidate", &enrollment.PushCertificate{Generation: 2, Secret: "push_in", Fingerprint: "fp_renewed", Topic: ourTopic, Expires: noon.Add(365 * day)}),
		replaced("by nothing", nil),
		replaced("by the one before", pushHeld().Certificate),
		pushFact("retired", func(pushWorld) renewal.PushEvent { return renewal.PushRetired{By: tess} }),
		ticked("at once", func(pushWorld, time.Time) time.Time { return time.Time{} }),
		ticked("the reminder is due", func(w pushWorld, _ time.Time) time.Time { return w.Run.RemindAt }),
		ticked("the wait is over", func(w pushWorld, _ time.Time) time.Time { return w.Run.LapseAt }),
		ticked("the candidate has expired", expiresOf),
		notified("delivered", enrollment.OK), notified("not delivered", enrollment.Retry), notified("refused", enrollment.Fatal),
	}
}

// pushShapes are a snapshot of every state, in every shape that makes a difference.
func pushShapes(t testing.TB) []machinetest.Row[pushWorld] {
	t.Helper()
	var rows []machinetest.Row[pushWorld]
	add := func(name string, s *pushStory) {
		rows = append(rows, machinetest.Row[pushWorld]{Name: name, At: s.now, S: s.w})
	}
	usual := func() *pushStory { return &pushStory{t: t, w: startPush(t, pushHeld()), now: noon} }
	first := func() *pushStory { return &pushStory{t: t, w: startPush(t, pushBare()), now: noon} }
	out := func() *pushStory { return usual().do("key_made: done", "request_taken") }
	const file, refused, silence, nobody = "upload_certificate: renewed", "probed: refused", "probed: no answer", "probed: nobody can ask"
	unproven := func() *pushStory { return out().do(file, nobody) }

	add("making_request", usual())
	add("making_request: no key could be made", usual().do("key_made: failed"))
	add("making_request: a file was refused", usual().do("upload_certificate: created instead of renewed"))
	add("making_request: Apple refused a certificate", usual().do(file, refused))
	add("awaiting_certificate", usual().do("key_made: done"))
	add("awaiting_certificate: request out", out())
	add("awaiting_certificate: first", first().do("key_made: done", "request_taken"))
	add("awaiting_certificate: a file was refused", out().do("upload_certificate: created instead of renewed"))
	add("awaiting_certificate: Apple refused a certificate", out().do(file, refused))
	add("awaiting_certificate: a notice waits", out().do("tick: the reminder is due"))
	add("awaiting_certificate: a person knows", out().do("tick: the reminder is due", "notified: delivered"))
	add("probing", out().do(file))
	add("probing: first", first().do("key_made: done", file))
	add("probing: key being made", usual().do(file))
	add("probing: unanswered", out().do(file, silence))
	add("probing: a person knows", out().do("tick: the reminder is due", "notified: delivered", file))
	again := unproven().do("upload_certificate: renewed again")
	add("probing: the one in use is not proven", again)
	add("completed", out().do(file, "probed: accepted"))
	add("completed: not proven", unproven())
	add("completed: first, not proven", first().do("key_made: done", file, nobody))
	add("completed: word of it waits", out().do("tick: the reminder is due", "notified: delivered", file, "probed: accepted"))
	add("cancelled", out().do("cancel"))
	add("lapsed", out().do("tick: the wait is over"))
	add("superseded", out().do("certificate_replaced: by the newest"))
	return rows
}
