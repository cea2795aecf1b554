package migration

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Fate is what became of a wipe, as far as it is known.
type Fate string

// The fates of a wipe.
const (
	FateSending      Fate = "sending"      // it was released, and may leave
	FateUnsent       Fate = "unsent"       // it has certainly not left
	FateDoubt        Fate = "doubt"        // nobody knows whether it left
	FateSent         Fate = "sent"         // the MDM has it
	FateAcknowledged Fate = "acknowledged" // the device said that it erases itself
	FatePerhaps      Fate = "perhaps"      // the device answered with an error that is no proof of the contrary
	FateRefused      Fate = "refused"      // the device did not erase itself
	FateRecalled     Fate = "recalled"     // it was withdrawn
	FateVoid         Fate = "void"         // the device enrolled again, or is not to be wiped any more
)

// WipeFate is one wipe of a move, from its release on.
type WipeFate struct {
	Command    string    `json:"command"` // the UUID that it has at every attempt
	Approval   string    `json:"approval"`
	Wave       int       `json:"wave"`
	Fate       Fate      `json:"fate"`
	ReleasedAt time.Time `json:"released_at"` // the first time that it may have left
	SendBy     time.Time `json:"send_by"`
	// Doubted: of an attempt before the last nobody knows whether it left.
	Doubted bool `json:"doubted,omitempty"`
	// Withdraw: it is recalled because nothing may be wiped now, and not because the device enrolled.
	Withdraw bool `json:"withdraw,omitempty"`

	Effect     enrollment.EffectID       `json:"effect"` // its last attempt
	Options    enrollment.WipeOptions    `json:"options,omitzero"`
	PIN        string                    `json:"pin,omitempty"`
	Lock       enrollment.ActivationLock `json:"lock,omitzero"`
	Can        enrollment.WipeAbilities  `json:"abilities,omitzero"`
	AnsweredAt time.Time                 `json:"answered_at,omitzero"`
}

// MayStrike reports whether the wipe may still reach the device.
func (w *WipeFate) MayStrike() bool {
	if w == nil {
		return false
	}
	switch w.Fate {
	case FateSending, FateDoubt, FateSent:
		return true
	}
	return false
}

// left reports whether the device may have been erased by it, so that only what happens after its release counts.
func (w *WipeFate) left() bool {
	if w == nil {
		return false
	}
	switch w.Fate {
	case FateUnsent, FateRefused, FateRecalled:
		return false
	}
	return true
}

// fate changes what is known of the wipe, in a copy, because snapshots share it.
func (s *moveStep) fate(change func(w *WipeFate)) {
	if s.Wipe == nil {
		return
	}
	w := *s.Wipe
	change(&w)
	s.Wipe = &w
}

// order is the wipe as its dispatcher gets it.
func (s *moveStep) order() *enrollment.Wipe {
	w := s.Wipe
	return &enrollment.Wipe{
		Command: w.Command, Tenant: s.Tenant, MDM: s.Route.OldMDM, Device: s.Device, Options: w.Options,
		NotAfter: w.SendBy, PIN: w.PIN,
	}
}

// void makes a wipe that may still reach the device ineffective: it is not sent any more, and withdrawn where the MDM can.
// Otherwise it might strike a device that somebody has set up again.
func (s *moveStep) void() {
	if !s.Wipe.MayStrike() {
		return
	}
	s.fate(func(w *WipeFate) { w.Fate = FateVoid })
	s.say(enrollment.ActWipeVoided, enrollment.Nobody, "command", s.Wipe.Command, "because", string(s.by))
	s.unwant(enrollment.SendWipe, enrollment.AskWipe)
	s.recall()
}

// recall has the MDM withdraw the wipe. It reports whether the MDM can at all.
func (s *moveStep) recall() bool {
	s.unwant(enrollment.SendWipe)
	if !s.Wipe.Can.Recall {
		if s.Wipe.Fate == FateVoid {
			s.warn(enrollment.NewProblem(enrollment.CodeWipeMayStrike, "reason", because("this MDM withdraws no commands")))
		}
		return false
	}
	s.wantOnce(s.now, enrollment.Effect{Kind: enrollment.RecallWipe, Wipe: s.order()})
	return true
}
