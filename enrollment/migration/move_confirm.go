package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// mostConfirms is how often a device is confirmed in one turn before the turn passes.
const mostConfirms = 5

// turnCalled has the device confirmed, at its new service and at the MDM that manages it.
func (s *moveStep) turnCalled(ev TurnCalled) bool {
	if s.State != MoveTurn || ev.Wave < 1 {
		return false
	}
	_, confirming := s.Pending.Of(enrollment.ConfirmDevice)
	if s.Wave == ev.Wave && (confirming || s.Ready(s.policy, s.now)) {
		return false
	}
	s.Wave, s.Confirmed = ev.Wave, nil
	s.unwant(enrollment.ClearLock)
	s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.ConfirmDevice})
	return true
}

func (s *moveStep) turnEnded() bool {
	if s.State != MoveTurn || s.Wave == 0 {
		return false
	}
	s.Wave, s.Confirmed = 0, nil
	s.unwant(enrollment.ConfirmDevice, enrollment.MakePIN, enrollment.ClearLock)
	return true
}

// unconfirm has the device confirmed once more, because something happened to it.
func (s *moveStep) unconfirm() bool {
	if s.State != MoveTurn || s.Confirmed == nil {
		return false
	}
	s.Confirmed = nil
	s.unwant(enrollment.ClearLock)
	s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.ConfirmDevice})
	return true
}

func (s *moveStep) deviceConfirmed(ev DeviceConfirmed) bool {
	x, pending := s.pending(ev.Result, enrollment.ConfirmDevice)
	if !pending || s.State != MoveTurn {
		return false
	}
	switch ev.Outcome {
	case enrollment.OK:
		return s.judge(x, ev)
	case enrollment.Fatal:
		return s.hands(enrollment.CodeEraseByHand, "why", NotManaged.Text())
	}
	return s.notConfirmed(x, ev.Result, reasonOf(ev.Result))
}

// notConfirmed tries again, and lets the turn pass after some attempts.
func (s *moveStep) notConfirmed(x enrollment.Effect, r enrollment.Result, reason string) bool {
	s.again(x, r, time.Minute, 15*time.Minute)
	if x.Attempt >= mostConfirms {
		s.turnEnded()
	}
	s.Problem = enrollment.NewProblem(enrollment.CodeNotConfirmed, "reason", because(reason))
	return true
}

func reasonOf(r enrollment.Result) string {
	if r.Problem == nil {
		return ""
	}
	return r.Problem.Title
}

// judge compares what was read just now with what was approved. Whatever is not known is no confirmation.
func (s *moveStep) judge(x enrollment.Effect, ev DeviceConfirmed) bool {
	seen, facts := ev.Seen, ev.Facts
	facts.Family = firstOf(facts.Family, seen.Family, s.Device.Family)
	at := outbox.Earliest(seen.ObservedAt, facts.ObservedAt, s.now)
	field, was, now := s.mismatch(ev)
	switch {
	case seen.Released == enrollment.Yes:
		return s.released()
	case seen.Serial == "" || facts.Serial == "" || facts.UDID == "" || facts.MDM == "":
		return s.notConfirmed(x, ev.Result, "it was not said which device was read")
	case field != "":
		return s.hands(enrollment.CodeDeviceMismatch, "field", field, "was", was, "now", now)
	case s.gone(seen):
		return s.taken()
	case seen.Assigned != enrollment.Yes:
		return s.notConfirmed(x, ev.Result, "the new service does not show the device")
	case s.fetched(seen.ProfilePushed):
		return true
	case !seen.HasProfile(s.Route.Profile):
		return s.profileLost(seen) || s.notConfirmed(x, ev.Result, "the new service does not say which profile the device has")
	case facts.Managed == enrollment.No:
		return s.hands(enrollment.CodeEraseByHand, "why", NotManaged.Text())
	case facts.Managed != enrollment.Yes:
		return s.notConfirmed(x, ev.Result, ManagedUnknown.Text())
	case facts.SharedIPad == enrollment.Yes && !s.Decision.SharedAccepted:
		return s.hands(enrollment.CodeEraseByHand, "why", SharedIPad.Text())
	case facts.MayBeShared() && !s.Decision.SharedAccepted:
		return s.hands(enrollment.CodeEraseByHand, "why", MaybeShared.Text())
	case facts.NeedsPIN() && !ev.Can.PIN:
		return s.hands(enrollment.CodeEraseByHand, "why", NoPIN.Text())
	case !s.Arriving.IsZero() && !facts.LastSeen.After(s.Arriving):
		return s.notConfirmed(x, ev.Result, "it began to enroll at the new MDM and was not seen at the present one since")
	case seen.ObservedAt.IsZero() || facts.ObservedAt.IsZero() || s.now.Sub(at) > s.policy.WipeFreshFor:
		return s.notConfirmed(x, ev.Result, "the answers are too old")
	}
	s.confirm(at, facts, ev)
	return true
}

func firstOf(families ...enrollment.Family) enrollment.Family {
	for _, f := range families {
		if f != "" {
			return f
		}
	}
	return ""
}

// mismatch says in what the device is not the one that was approved; an empty field: in nothing.
func (s *moveStep) mismatch(ev DeviceConfirmed) (field, was, now string) {
	d := s.Device
	for _, c := range [...]struct{ field, was, now string }{
		{"serial number at the new service", d.Serial, ev.Seen.Serial},
		{"serial number", d.Serial, ev.Facts.Serial},
		{"enrollment ID", d.UDID, ev.Facts.UDID},
		{"MDM", string(s.Route.OldMDM), string(ev.Facts.MDM)},
	} {
		if c.was != c.now {
			return c.field, c.was, c.now
		}
	}
	for _, c := range [...]struct{ field, was, now string }{
		{"product", d.Product, ev.Facts.Product},
		{"family", string(d.Family), string(ev.Facts.Family)},
		{"family", string(d.Family), string(ev.Seen.Family)},
	} {
		if c.was != "" && c.now != "" && c.was != c.now {
			return c.field, c.was, c.now
		}
	}
	return "", "", ""
}

// confirm makes the device ready for its wipe. Where it is to be set up without hands, its Activation Lock has to be off
// before, or it would stall; where that cannot be had, it is wiped without.
func (s *moveStep) confirm(at time.Time, facts enrollment.DeviceFacts, ev DeviceConfirmed) {
	s.unwant(enrollment.ConfirmDevice)
	c := Proof{At: outbox.Instant(at), Options: s.Decision.Options, NeedsPIN: facts.NeedsPIN(), Lock: ev.Lock, Can: ev.Can}
	c.Options.ReturnToService = c.Options.ReturnToService && ev.Can.ReturnService
	if c.Options.ReturnToService && c.Lock.Locked != enrollment.No {
		if c.Lock.Clearable == enrollment.Yes {
			s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.ClearLock})
		} else {
			c.Options.ReturnToService = false
		}
	}
	if c.NeedsPIN && s.PIN == "" {
		s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.MakePIN})
	}
	s.Confirmed, s.Problem = &c, nil
}

// pinMade takes the PIN, which stands in the same write.
func (s *moveStep) pinMade(ev PINMade) bool {
	x, pending := s.pending(ev.Result, enrollment.MakePIN)
	switch {
	case !pending:
		return false
	case ev.Outcome != enrollment.OK || ev.Secret == "":
		s.again(x, ev.Result, time.Second, time.Hour)
		return true
	}
	s.unwant(enrollment.MakePIN)
	s.PIN = ev.Secret
	s.say(enrollment.ActPINMade, enrollment.Nobody)
	return true
}
