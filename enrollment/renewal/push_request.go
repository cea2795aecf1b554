package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// PushRequest is what a push certificate's renewal starts from.
type PushRequest struct {
	ID   enrollment.RenewalID
	Push enrollment.Push
	By   enrollment.Actor
}

// StartPush returns a new renewal, which has its key pair made at once: there is no way to a certificate without a request.
// The host starts one only where the push certificate has no live one; starting again returns that.
func StartPush(p enrollment.Policy, now time.Time, q PushRequest) (PushTransition, error) {
	s := pushStep{policy: p, now: outbox.Instant(now), PushRenewal: PushRenewal{
		ID: q.ID, Tenant: q.Push.Tenant, Push: q.Push.ID, Revision: 1, StartedBy: q.By, StartedAt: outbox.Instant(now),
	}}
	if q.Push.Retired() {
		_, err := s.refuse(StartRequested{By: q.By}, pushRetired)
		return PushTransition{}, err
	}
	s.compareWith(q.Push)
	s.await(nil)
	s.say(enrollment.ActRenewalStarted, q.By, "push", string(q.Push.ID), "topic", s.Topic)
	return s.transition(), nil
}

const pushRetired = "This push certificate is retired; add a new one instead"

// compareWith remembers the certificate in use that a new one is to replace.
func (s *pushStep) compareWith(push enrollment.Push) {
	s.Topic, s.Replaces = "", ""
	if c := push.Certificate; c != nil {
		s.Topic, s.Replaces = c.Topic, c.Fingerprint
	}
}

// keyMade takes the key pair, which stands in the same write: from now on the request may leave.
func (s *pushStep) keyMade(ev KeyMade) bool {
	x, pending := s.Pending.Answered(ev.Result, enrollment.MakePushKey)
	if !pending || !s.Live() {
		return false
	}
	if ev.Outcome != enrollment.OK || ev.KeyID == "" {
		s.Pending = s.Pending.Replaced(x.Again(s.now, ev.RetryAfter, time.Second, s.policy.RecheckEvery))
		return true
	}
	s.Pending = s.Pending.WithoutID(x.ID)
	s.Key = &Key{ID: ev.KeyID, MadeAt: s.now}
	s.say(enrollment.ActKeyMade, enrollment.Nobody, "key", ev.KeyID)
	if s.State == PushMakingRequest {
		s.await(s.Problem)
	}
	return true
}

// takeRequest writes down who got the request before it leaves. It may leave again: what the portal makes of it then is
// another certificate for the same key.
func (s *pushStep) takeRequest(ev RequestTaken) (bool, error) {
	switch {
	case !s.Live():
		return s.refuse(ev, startAnew)
	case s.Key == nil:
		return s.refuse(ev, "The key of the request is still being made; ask again in a moment")
	}
	key := *s.Key
	key.OutAt, key.OutTo = s.now, ev.By
	s.Key = &key
	s.say(enrollment.ActRequestTaken, ev.By, "key", key.ID)
	return true, nil
}
