package runner_test

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// meddle draws what people do in the course of the plan.
func (s *system) meddle() {
	serials := s.serials()
	some := func() string { return serials[s.random.IntN(len(serials))] }
	add := func(after time.Duration, name string, do func() error) {
		s.acts = append(s.acts, act{s.soon(30 * time.Hour).Add(after), name, do})
	}
	for range s.random.IntN(5) {
		switch one := some(); s.random.IntN(9) {
		case 0:
			add(0, "pause", func() error { _, err := s.tenant().PausePlan(ctx(s.t), bob, s.plan, "lunch"); return err })
		case 1:
			add(0, "exclude "+one, func() error { _, err := s.tenant().ExcludeDevice(ctx(s.t), bob, s.plan, one); return err })
		case 2:
			add(0, "replace "+one, func() error { _, err := s.tenant().ReplaceDevice(ctx(s.t), bob, s.plan, one); return err })
		case 3:
			add(0, "the push certificate is lost", func() error { return s.pushWord(enrollment.RoutePushLost) })
			add(6*time.Hour, "the push certificate works", func() error { return s.pushWord(enrollment.RoutePushRestored) })
		case 4:
			add(0, "throw the switch", func() error { return s.throw(s.tenant()) })
		case 5:
			add(0, "throw the switch of all", func() error { return s.throw(s.Runner) })
		case 6:
			add(0, "erase by hand "+one, func() error { s.hands[one]++; s.world.Device(one).EraseByHand(); return nil })
		case 7:
			add(0, "take away "+one, func() error { return s.acme.admin.Assign(s.from.apple, one) })
		case 8:
			if s.one(2) {
				add(0, "cancel", func() error { _, err := s.tenant().CancelPlan(ctx(s.t), bob, s.plan); return err })
			} else {
				add(0, "cancel "+one, func() error { _, err := s.tenant().CancelDevice(ctx(s.t), bob, s.plan, one); return err })
			}
		}
	}
}

func (s *system) pushWord(kind enrollment.RouteEventKind) error {
	_, err := s.tenant().ObserveRoute(ctx(s.t), enrollment.RouteEvent{Kind: kind, MDM: "old", At: s.clock.Now()})
	return err
}

// throw throws a switch, which two persons lift some hours later.
func (s *system) throw(where safe) error {
	if held, err := where.Switch(ctx(s.t)); err != nil || held.Thrown {
		return err
	}
	if _, err := where.ThrowSwitch(ctx(s.t), robot, "an alarm"); err != nil {
		return err
	}
	s.mu.Lock()
	n := len(s.thrown)
	s.thrown = append(s.thrown, span{from: s.clock.Now()})
	s.mu.Unlock()
	s.acts = append(s.acts, act{s.soon(8 * time.Hour), "lift the switch", func() error {
		p, err := where.LiftSwitch(ctx(s.t), tech)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.thrown[n].to = s.clock.Now()
		s.mu.Unlock()
		_, err = where.ApproveProposal(ctx(s.t), bob, p.ID, word(p))
		return err
	}})
	return nil
}

// people do what they have in mind for now, and look after a plan that stands still.
func (s *system) people() error {
	var due []act
	s.acts = slices.DeleteFunc(s.acts, func(a act) bool {
		if a.at.After(s.clock.Now()) {
			return false
		}
		due = append(due, a)
		return true
	})
	for _, a := range due {
		s.say("somebody: %s", a.name)
		if err := a.do(); problem(err) != nil {
			return err
		} else if err != nil {
			s.say("refused: %v", err)
		}
	}
	if view := s.view(); view.State == migration.PlanPaused && view.Pause.At.Before(s.clock.Now().Add(-2*time.Hour)) {
		s.say("somebody: resume (%s)", view.Pause.Why)
		_, err := s.tenant().ResumePlan(ctx(s.t), cem, s.plan)
		if problem(err) != nil {
			return err
		}
		if err != nil {
			return s.renew(view)
		}
	}
	return nil
}

// renew has the plan approved again, whose approval has ended, or gives it up.
func (s *system) renew(view runner.PlanView) error {
	_, err := s.tenant().SubmitPlan(ctx(s.t), tech, s.plan)
	if err == nil {
		_, err = s.tenant().ApprovePlan(ctx(s.t), bob, s.plan, runner.Approved{Digest: view.Digest})
	}
	if err != nil {
		s.say("given up: %v", err)
		_, err = s.tenant().CancelPlan(ctx(s.t), bob, s.plan)
	}
	return problem(err)
}
