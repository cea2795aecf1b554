package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// requestCertificate makes the key pair when its certificate is first asked for, not before: a pair costs a core some
// 40 ms, and the token can often be downloaded again without a new certificate.
func (s *step) requestCertificate(ev CertificateRequested) (bool, error) {
	switch s.State {
	case CheckingPush:
		if s.pushBlocked() {
			s.KeyWanted = true
			if s.hasten("") { // the token in use has expired meanwhile
				return true, nil
			}
			return s.refuseWith(ev, s.Problem)
		}
		if s.KeyWanted {
			return false, nil
		}
		s.KeyWanted = true
		return true, nil
	case AwaitingUpload:
		if s.Key != nil {
			return false, nil
		}
		if x, pending := s.Pending.Of(enrollment.MakeKey); pending {
			if x.Due(s.now) {
				return false, nil
			}
			s.hurry(enrollment.MakeKey) // somebody waits for it
			return true, nil
		}
		s.makeKey()
		return true, nil
	case Verifying, AwaitingConfirmation, BlockedTerms:
		if s.CertificateOut() {
			return false, nil
		}
		return s.refuse(ev, notNow)
	}
	return s.refuse(ev, "This renewal has ended; start a new one for the server")
}

// notNow keeps people from saving another certificate at the portal, which ends the token that was downloaded before.
const notNow = "An uploaded token is being checked. A new certificate could end it; wait for the outcome"

func (s *step) makeKey() {
	s.KeyWanted = true
	s.want(enrollment.Effect{Kind: enrollment.MakeKey})
}

func (s *step) keyMade(ev KeyMade) bool {
	x, pending := s.Pending.Answered(ev.Result, enrollment.MakeKey)
	if !pending || !s.Live() {
		return false
	}
	if ev.Outcome != enrollment.OK {
		s.Pending = s.Pending.Replaced(x.Again(s.now, ev.RetryAfter, time.Second, s.policy.RecheckEvery))
		return true
	}
	s.Pending, s.KeyWanted = s.Pending.WithoutID(x.ID), false
	s.Key = &Key{ID: ev.KeyID, MadeAt: s.now}
	s.say(enrollment.ActKeyMade, enrollment.Nobody, "key", ev.KeyID)
	return true
}

// takeCertificate writes down who got the certificate before it leaves.
func (s *step) takeCertificate(ev CertificateTaken) (bool, error) {
	if !s.Live() || s.Key == nil {
		return s.refuse(ev, "There is no certificate here; ask for it in a live renewal")
	}
	if s.Candidate != nil && !s.CertificateOut() {
		return s.refuse(ev, notNow)
	}
	key := *s.Key
	key.OutAt, key.OutTo = s.now, ev.By
	s.Key = &key
	s.say(enrollment.ActCertificateTaken, ev.By, "key", key.ID)
	return true, nil
}
