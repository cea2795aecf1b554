package main

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// move is one step of a machine: a snapshot as it comes from the store, and what happens to it.
type move struct {
	name string
	step func() (moved bool, err error)
}

// subject repeats one move. Machines are values, so that a step leaves its snapshot as it was.
func (m move) subject() subject {
	return subject{name: m.name, do: func(context.Context) error {
		moved, err := m.step()
		if err == nil && !moved {
			return fmt.Errorf("nothing moved")
		}
		return err
	}}
}

// life is all moves of one machine.
type life []move

// whole does every move of a life once.
func (l life) whole(name string) subject {
	return subject{name: name, each: len(l), do: func(ctx context.Context) error {
		for _, m := range l {
			if err := m.subject().do(ctx); err != nil {
				return err
			}
		}
		return nil
	}}
}

var (
	today = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	tess  = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person, Source: "192.0.2.7"}
)

// theServer is one with a token that expires in three weeks.
func theServer() enrollment.Server {
	return enrollment.Server{
		ID: "srv_1", Tenant: "acme", Name: "Acme MDM",
		Pin: enrollment.Pin{ServerUUID: "0A1B2C3D4E5F60718293A4B5C6D7E8F9", ServerName: "Acme MDM", OrgID: "1234567", OrgName: "Acme Inc."},
		Token: &enrollment.Token{
			Generation: 1, Secret: "tok_1", Fingerprint: "old", ConsumerKey: "CK_1", Expires: today.AddDate(0, 0, 21),
		},
	}
}

// renewalLife is a renewal from its start to the new token: the push certificate is looked at, the key pair is made, its
// certificate taken, the file uploaded and verified.
func renewalLife() (life, error) {
	policy, server := enrollment.DefaultPolicy(), theServer()
	begin := renewal.Request{ID: "rnw_1", Server: server, Health: enrollment.Expiring, By: tess}
	started, err := renewal.Start(policy, today, begin)
	if err != nil {
		return nil, err
	}
	l := life{{"start", func() (bool, error) {
		tr, err := renewal.Start(policy, today, begin)
		return tr.Moved, err
	}}}
	account := enrollment.Account{
		ServerUUID: server.Pin.ServerUUID, ServerName: server.Pin.ServerName, AdminID: "it@acme.example",
		OrgID: server.Pin.OrgID, OrgName: server.Pin.OrgName, OrgType: "org",
	}
	pending := func(r renewal.Renewal) enrollment.Result {
		return enrollment.Result{Effect: r.Due(today)[0].ID, Outcome: enrollment.OK}
	}
	now := started.Renewal
	for _, next := range []func(r renewal.Renewal) renewal.Event{
		func(r renewal.Renewal) renewal.Event {
			return renewal.PushChecked{Result: pending(r), NotAfter: today.AddDate(1, 0, 0)}
		},
		func(renewal.Renewal) renewal.Event { return renewal.CertificateRequested{By: tess} },
		func(r renewal.Renewal) renewal.Event { return renewal.KeyMade{Result: pending(r), KeyID: "key_1"} },
		func(renewal.Renewal) renewal.Event { return renewal.CertificateTaken{By: tess} },
		func(renewal.Renewal) renewal.Event {
			return renewal.TokenUploaded{By: tess, Server: server, Token: renewal.Candidate{
				Secret: "tok_2", Fingerprint: "new", ConsumerKey: "CK_1", Expires: today.AddDate(1, 0, 0), KeyID: "key_1",
			}}
		},
		func(r renewal.Renewal) renewal.Event {
			return renewal.Verified{Result: pending(r), Server: server, Account: account}
		},
	} {
		before, ev := now, next(now)
		tr, err := before.Step(policy, today, ev)
		if err != nil {
			return nil, err
		}
		now = tr.Renewal
		l = append(l, move{string(ev.Name()), func() (bool, error) {
			tr, err := before.Step(policy, today, ev)
			return tr.Moved, err
		}})
	}
	if now.State != renewal.Completed {
		return nil, fmt.Errorf("the renewal ended %s", now.State)
	}
	return l, nil
}

// watchLife is the watch of a new token: it comes, a day later Apple is asked and accepts it, Apple does not answer, then
// refuses it, and a reminder falls due.
func watchLife() (life, error) {
	policy := enrollment.DefaultPolicy()
	day := func(n int) time.Time { return today.AddDate(0, 0, n) }
	rejected := enrollment.NewProblem(enrollment.CodeRejected, "reason", "", "admin", "it@acme.example")
	probed := func(w renewal.Watch, at time.Time, outcome enrollment.Outcome, answer enrollment.Answer) renewal.WatchEvent {
		result := enrollment.Result{Effect: w.Due(at)[0].ID, Outcome: outcome}
		if answer == enrollment.AnswerRejected {
			result.Problem = rejected
		}
		return renewal.Probed{Result: result, Answer: answer}
	}
	var l life
	now := renewal.NewWatch("acme", "srv_1")
	for _, next := range []struct {
		at time.Time
		ev func(w renewal.Watch) renewal.WatchEvent
	}{
		{day(0), func(renewal.Watch) renewal.WatchEvent {
			return renewal.CredentialActivated{Generation: 1, Expires: day(365), Verified: true}
		}},
		{day(2), func(renewal.Watch) renewal.WatchEvent { return renewal.WatchTicked{} }},
		{day(2), func(w renewal.Watch) renewal.WatchEvent { return probed(w, day(2), enrollment.OK, enrollment.Accepted) }},
		{day(4), func(renewal.Watch) renewal.WatchEvent { return renewal.WatchTicked{} }},
		{day(4), func(w renewal.Watch) renewal.WatchEvent {
			return probed(w, day(4), enrollment.Retry, enrollment.NoAnswer)
		}},
		{day(335), func(renewal.Watch) renewal.WatchEvent { return renewal.WatchTicked{} }},
		{day(335), func(w renewal.Watch) renewal.WatchEvent {
			return probed(w, day(335), enrollment.OK, enrollment.AnswerRejected)
		}},
	} {
		before, ev := now, next.ev(now)
		tr, err := before.Step(policy, next.at, ev)
		if err != nil {
			return nil, err
		}
		now = tr.Watch
		l = append(l, move{string(ev.Name()), func() (bool, error) {
			tr, err := before.Step(policy, next.at, ev)
			return tr.Moved, err
		}})
	}
	return l, nil
}
