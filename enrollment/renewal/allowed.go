package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Allowed returns what this actor may ask of the renewal now, for the buttons of a user interface. A file may always be
// uploaded.
func (r Renewal) Allowed(p enrollment.Policy, now time.Time, by enrollment.Actor) []EventName {
	allowed := []EventName{EventUpload}
	try := func(useful bool, ev Event) {
		if _, err := r.Step(p, now, ev); useful && err == nil {
			allowed = append(allowed, ev.Name())
		}
	}
	try(r.Live(), CertificateRequested{By: by})
	try(r.Live(), PublishRequested{By: by})
	try(r.pushBlocked(), PushOverridden{By: by, Reason: "asked"})
	if r.State == AwaitingConfirmation && by.Kind == enrollment.Person {
		allowed = append(allowed, EventConfirm)
	}
	try(r.Live(), RecheckRequested{By: by})
	try(r.Live(), CancelRequested{By: by})
	return allowed
}
