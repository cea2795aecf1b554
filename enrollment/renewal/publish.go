package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Publication is one attempt to save the certificate at Apple by its API, in place of a person at the portal. It is made on a
// person's command and never again by itself, because the token in use may be dead from the moment that Apple saves it.
type Publication struct {
	Effect  enrollment.EffectID `json:"effect"`
	Attempt int                 `json:"attempt"`
	By      enrollment.Actor    `json:"by"`
	At      time.Time           `json:"at"`
	// Creates: the service was to be made, with this certificate.
	Creates bool `json:"creates,omitempty"`
	// Outcome is OK where Apple has it, Retry or Fatal where nothing was done. Unknown, and empty (the program ended before it
	// heard), mean that Apple may have it.
	Outcome enrollment.Outcome `json:"outcome,omitempty"`
	Reason  string             `json:"reason,omitempty"` // what Apple said
}

// Doubtful reports whether Apple may have the certificate without anybody having heard so.
func (p Publication) Doubtful() bool { return p.Outcome == "" || p.Outcome == enrollment.Unknown }

// publish lets a person have the certificate saved at Apple. It is out from then on.
func (s *step) publish(ev PublishRequested) (bool, error) {
	switch {
	case ev.By.Kind != enrollment.Person:
		return s.refuseWith(ev, enrollment.NewProblem(enrollment.CodePersonNeeded))
	case s.Live() && s.Candidate != nil:
		return s.refuse(ev, notNow) // it may be the only living token, and this would end it
	case s.State != AwaitingUpload || s.Key == nil:
		return s.refuse(ev, "There is no certificate here; ask for it in a live renewal")
	}
	key := *s.Key
	attempt := 1
	if key.Publication != nil {
		attempt = key.Publication.Attempt + 1
	}
	key.OutAt, key.OutTo = s.now, ev.By
	key.Publication = &Publication{
		Effect: enrollment.NewEffectID(string(s.ID), attempt, enrollment.PublishCertificate), Attempt: attempt,
		By: ev.By, At: s.now, Creates: ev.Creates,
	}
	s.Key = &key
	s.say(enrollment.ActCertificateSent, ev.By, "key", key.ID)
	return true, nil
}

// published takes what became of it, also after the renewal has gone on.
func (s *step) published(ev Published) bool {
	if s.Key == nil || s.Key.Publication == nil || s.Key.Publication.Effect != ev.Effect || s.Key.Publication.Outcome != "" {
		return false
	}
	key, told := *s.Key, *s.Key.Publication
	told.Outcome, told.Reason = ev.Outcome, ev.Reason
	key.Publication = &told
	s.Key = &key
	s.say(enrollment.ActCertificateTold, enrollment.Nobody, "key", key.ID, "outcome", string(ev.Outcome))
	return true
}
