package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

const (
	// askew is how far the clocks of Apple and of an MDM may be apart, and how long Apple's answers may lag.
	askew = 10 * time.Minute
	// fetchWithin is how long Apple may take to show that a device which enrolled had fetched the new service's profile.
	fetchWithin = 24 * time.Hour
)

// observed takes what happened to the device, whoever saw it. Only what happened since the move began counts, and after the
// release of a wipe only what happened since.
func (s *moveStep) observed(e enrollment.DeviceEvent) bool {
	if e.Tenant != s.Tenant || !s.about(e) {
		return false
	}
	at := outbox.Instant(e.At)
	if e.At.IsZero() || at.After(s.now) {
		at = s.now // a clock that is ahead moves nothing into the future
	}
	switch e.Kind {
	case enrollment.DeviceAuthenticated:
		return s.authenticated(e.MDM, at)
	case enrollment.DeviceEnrolled:
		return s.enrolled(e, at)
	case enrollment.DeviceProfileFetched:
		return e.Server == s.Route.To && s.fetched(at)
	case enrollment.DeviceWipeAnswered:
		return e.Wipe != nil && s.Wipe != nil && e.Wipe.Command == s.Wipe.Command && e.MDM == s.Route.OldMDM &&
			s.answered(e.Wipe.State, e.Wipe.Reason, at)
	case enrollment.DeviceReleased:
		return at.After(s.StartedAt) && s.released()
	case enrollment.DeviceReassigned:
		return e.Server != s.Route.To && !s.AssignedAt.IsZero() && at.After(s.AssignedAt) && s.taken()
	}
	return false
}

// about reports whether an event names this device. Later messages of a device name its enrollment ID only.
func (s *moveStep) about(e enrollment.DeviceEvent) bool {
	if e.Serial != "" {
		return enrollment.NormalSerial(e.Serial) == s.Device.Serial
	}
	return e.UDID != "" && e.UDID == s.Device.UDID
}

// since is the moment from which on an enrollment is the one that the move waits for.
func (s *moveStep) since() time.Time {
	switch {
	case s.Wipe.left():
		return s.Wipe.ReleasedAt
	case !s.AskedAt.IsZero():
		return s.AskedAt
	}
	return s.StartedAt
}

// authenticated takes the beginning of an enrollment: a wipe that was released before is void.
func (s *moveStep) authenticated(mdm enrollment.MDMID, at time.Time) bool {
	if mdm != s.Route.OldMDM && mdm != s.Route.NewMDM || !at.After(s.since()) || !at.After(s.Arriving) {
		return false
	}
	if !s.Wipe.left() {
		if s.State != MoveTurn {
			return false
		}
		if mdm == s.Route.NewMDM {
			s.Arriving = at
		}
		return s.unconfirm() || mdm == s.Route.NewMDM
	}
	s.Arriving = at
	s.comes()
	return true
}

// comes waits for a device that was erased, or began to enroll, to finish.
func (s *moveStep) comes() bool {
	switch s.State {
	case MoveTurn, MoveWiping, MoveAnswer, MoveUnlocking, MoveOutstanding, MoveCancelling, MoveHands, MoveReturned:
	default:
		return false
	}
	s.void()
	s.unwant(enrollment.ClearLock, enrollment.ConfirmDevice, enrollment.MakePIN)
	s.Wave, s.Confirmed = 0, nil
	s.wait(MoveReturning, s.policy.EnrollWithin)
	return true
}

// enrolled takes the end of an enrollment. Where one MDM stands behind both services, it must have been by the profile of
// the new one.
func (s *moveStep) enrolled(e enrollment.DeviceEvent, at time.Time) bool {
	if s.Route.OneMDM() {
		return e.MDM == s.Route.NewMDM && at.After(s.since()) && s.enrolledAgain(e.Server, at)
	}
	switch e.MDM {
	case s.Route.NewMDM:
		return at.After(s.StartedAt) && s.arrive(at)
	case s.Route.OldMDM:
		return at.After(s.since()) && s.back(at)
	}
	return false
}

// enrolledAgain takes an enrollment at the one MDM of both services.
func (s *moveStep) enrolledAgain(server enrollment.ServerID, at time.Time) bool {
	if server != "" && server != s.Route.To {
		return s.back(at)
	}
	if !at.After(s.Enrolled) || s.State == MoveEnrolled {
		return false
	}
	s.Enrolled = at
	switch {
	case s.proven():
		return s.arrive(at)
	case s.Wipe.left() && s.comes(), s.State == MoveReturning:
		// Which profile it fetched is not known yet: Apple tells soon, or it came back by the old one.
		s.wait(MoveReturning, fetchWithin)
	default:
		s.unconfirm()
	}
	return true
}

// proven reports whether the last enrollment came after the device had fetched the profile of the new service.
func (s *moveStep) proven() bool {
	since := s.since()
	return s.Fetched.After(since) && s.Enrolled.After(since) && !s.Enrolled.Before(s.Fetched.Add(-askew))
}

// fetched takes that the device fetched the profile of its new service: it was erased, by whomever, and is being set up.
func (s *moveStep) fetched(pushed time.Time) bool {
	at := outbox.Instant(pushed)
	if pushed.IsZero() || !at.After(s.since()) || !at.After(s.Fetched) || s.State == MoveEnrolled {
		return false
	}
	s.Fetched = at
	if s.Route.OneMDM() && s.proven() {
		return s.arrive(s.Enrolled)
	}
	s.comes()
	return true
}

// arrive ends the move, in whatever state it is.
func (s *moveStep) arrive(at time.Time) bool {
	if s.State == MoveEnrolled {
		return false
	}
	s.Enrolled = at
	s.rest(MoveEnrolled, nil)
	if s.PIN != "" {
		s.given.Drop = append(s.given.Drop, s.PIN)
		s.PIN = ""
	}
	return true
}

// back takes an enrollment at the old MDM, or by the old service. Before a wipe has left it only has to be confirmed anew.
func (s *moveStep) back(at time.Time) bool {
	if !s.Wipe.left() {
		return s.unconfirm()
	}
	switch s.State {
	case MoveTurn, MoveWiping, MoveAnswer, MoveUnlocking, MoveReturning, MoveOutstanding, MoveCancelling:
		s.Arriving = at
		s.rest(MoveReturned, enrollment.NewProblem(enrollment.CodeReturned))
		return true
	}
	return false
}

// released leaves a device that belongs to the organization no more to a person.
func (s *moveStep) released() bool { return s.lost(enrollment.CodeDeviceReleased) }

// taken leaves a device that somebody assigned elsewhere to a person.
func (s *moveStep) taken() bool { return s.lost(enrollment.CodeDeviceReassigned) }

func (s *moveStep) lost(code enrollment.Code) bool {
	if !s.State.Live() && s.State != MoveOutstanding {
		return false
	}
	return s.hands(code)
}
