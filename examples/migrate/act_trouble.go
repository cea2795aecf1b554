package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// canary is the first device that is wiped. It refuses, and the plan pauses by itself.
func (s *story) canary(ctx context.Context) error {
	s.say("\n6. Everything is assigned and read back; migrations get their deadlines; and one single device is wiped: the canary.")
	if err := s.live(ctx, 2*day, func(v runner.PlanView) bool { return v.State == migration.PlanPaused && s.mail.last() != nothing }); err != nil {
		return err
	}
	view, err := s.view(ctx)
	if err != nil {
		return err
	}
	if view.State != migration.PlanPaused || s.witness.sent() != 1 {
		return fmt.Errorf("the plan is %s after %d wipes", view.State, s.witness.sent())
	}
	failed, err := s.moves(ctx, migration.MoveHands)
	if err != nil {
		return err
	}
	for _, m := range failed {
		if m.Decision.Strategy == migration.Wipe {
			s.say("  %s: %s.", m.Device.Serial, m.Problem.Title)
		}
	}
	s.say("  Mail to Tess: %s. %s.", s.mail.last(), view.Waiting.Why.Text())
	s.say("  The device is a broken one, and nothing that others have in common. Tess resumes the plan.")
	_, err = s.acme().ResumePlan(ctx, tess, s.plan)
	return err
}

// crash lets the program die right after the MDM took a wipe, before it could write that down.
func (s *story) crash(ctx context.Context) error {
	s.say("\n7. The next canary. The program dies at the worst moment: the old MDM has the wipe, and nobody has noted it.")
	s.witness.kill = func(serial string) {
		s.died = true
		s.world.Device(serial).Offline(s.calendar.Now().Add(2 * time.Hour)) // so that no answer of the device settles it
		s.deaf = errors.Join(s.deaf, s.host.close())
	}
	if err := s.live(ctx, day, func(runner.PlanView) bool { return s.died }); err != nil {
		return err
	}
	if !s.died {
		return errors.New("the program did not die")
	}
	if err := s.open(ctx, s.host.path); err != nil {
		return err
	}
	s.died = false
	doubtful, err := s.moves(ctx, migration.MoveWiping)
	if err != nil || len(doubtful) != 1 {
		return errors.Join(err, fmt.Errorf("%d wipes are on their way", len(doubtful)))
	}
	serial := doubtful[0].Device.Serial
	s.say("  ** the program dies: store closed, memory gone; a new one opens the file **")
	s.say("  For the store %s is still in state %s, and the device itself is asleep.", serial, doubtful[0].State)
	arrived := func(runner.PlanView) bool { return s.world.Device(serial).MDM() == s.new }
	if err := s.live(ctx, day, arrived); err != nil {
		return err
	}
	if n := s.world.Device(serial).Erases(); n != 1 || !arrived(runner.PlanView{}) {
		return fmt.Errorf("%s was erased %d times", serial, n)
	}
	s.say("  The new program asks the MDM what became of the wipe, and does not send it again: %s enrolled, erased once.", serial)
	return nil
}

// replacement takes a device that does not come by out of its wave.
func (s *story) replacement(ctx context.Context) error {
	s.say("\n8. The next wave takes five devices. Two of them do not come by, so it does not go on.")
	before, since := s.witness.sent(), s.calendar.Now()
	stuck := func(v runner.PlanView) bool {
		return s.witness.sent() == before+5 && v.Counts[migration.MoveAnswer] == 2 && v.Counts[migration.MoveReturning] == 0
	}
	if err := s.live(ctx, 2*day, stuck); err != nil {
		return err
	}
	waiting, err := s.moves(ctx, migration.MoveAnswer)
	if err != nil || len(waiting) != 2 {
		return errors.Join(err, fmt.Errorf("%d devices did not come by", len(waiting)))
	}
	silent := waiting[0].Device.Serial
	s.say("  After %v %s still has not answered its wipe. Tess has another device called in its place.", s.calendar.Now().Sub(since), silent)
	if _, err := s.acme().ReplaceDevice(ctx, tess, s.plan, silent); err != nil {
		return err
	}
	if err := s.live(ctx, 2*day, func(runner.PlanView) bool { return s.witness.sent() > before+6 }); err != nil {
		return err
	}
	if s.witness.sent() <= before+6 {
		return errors.New("the wave did not go on")
	}
	s.say("  Four of five are enough: the next wave begins.")
	return nil
}

// alarm throws the kill switch in the middle of a wave. Anybody may; lifting it takes two persons.
func (s *story) alarm(ctx context.Context) error {
	s.say("\n9. An alarm: something at Acme looks like a stolen account. A script throws the kill switch.")
	if _, err := s.acme().ThrowSwitch(ctx, alarm, "sign-ins from two continents"); err != nil {
		return err
	}
	s.witness.halt(true)
	before, erased := s.witness.sent(), s.erased()
	if err := s.live(ctx, 2*time.Hour, nil); err != nil {
		return err
	}
	view, err := s.view(ctx)
	if err != nil {
		return err
	}
	if s.witness.sent() != before || s.erased() != erased {
		return fmt.Errorf("there were %d more wipes and %d more erases", s.witness.sent()-before, s.erased()-erased)
	}
	withdrawn, err := s.withdrawn(ctx)
	if err != nil {
		return err
	}
	s.say("  %d wipes that had left were withdrawn before a device took them; two hours later no other has left, and nothing was erased.", len(withdrawn))
	lift, err := s.acme().LiftSwitch(ctx, tess)
	if err != nil {
		return err
	}
	if err := s.agreed(ctx, lift); err != nil {
		return err
	}
	s.witness.halt(false)
	s.say("  It was somebody on a journey. Tess proposes to lift the switch, and Bob agrees.")
	if view.State != migration.PlanPaused {
		return nil
	}
	s.say("  The plan has paused by itself meanwhile, as so many wipes came to nothing. Tess resumes it.")
	_, err = s.acme().ResumePlan(ctx, tess, s.plan)
	return err
}
