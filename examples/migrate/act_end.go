package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// weeks lets the plan run to its end. Where too many devices of a small wave are away it pauses by itself again, and Tess looks.
func (s *story) weeks(ctx context.Context) error {
	s.say("\n10. Days pass. Waves follow each other as far as the budget goes; migrations happen when people agree, or at their deadline.")
	s.every = 3 * time.Hour
	view, err := s.toTheEnd(ctx)
	if err != nil {
		return err
	}
	s.say("  Every device has come to its end, and so has the plan, after %s.", days(view.EndedAt.Sub(s.began)))
	return nil
}

// toTheEnd lets the present plan run to its end.
func (s *story) toTheEnd(ctx context.Context) (runner.PlanView, error) {
	for range mostPauses {
		going := func(v runner.PlanView) bool {
			return v.State == migration.PlanRunning || v.State == migration.PlanCooling
		}
		if err := s.live(ctx, 90*day, func(v runner.PlanView) bool { return !going(v) }); err != nil {
			return runner.PlanView{}, err
		}
		view, err := s.view(ctx)
		switch {
		case err != nil || view.State == migration.PlanCompleted:
			return view, err
		case view.State != migration.PlanPaused:
			return view, fmt.Errorf("the plan is %s", view.State)
		}
		s.say("    %s: %s. Tess looks, and resumes it.", s.since(s.calendar.Now()), view.Problem.Title)
		if _, err := s.acme().ResumePlan(ctx, tess, s.plan); err != nil {
			return view, err
		}
	}
	return runner.PlanView{}, errors.New("the plan pauses again and again")
}

// mostPauses bounds Tess's patience.
const mostPauses = 12

// hands are what people do afterwards. The plan has ended, and still takes note of each device that arrives.
func (s *story) hands(ctx context.Context) error {
	s.say("\n11. What is left is for hands. Some do their work at once, and the plan, which has ended, still takes note of it.")
	if err := s.byHand(ctx); err != nil {
		return err
	}
	for _, a := range s.of(refuser) {
		a.EraseByHand()
		s.say("  The canary that refused, %s, is erased by hand.", a.Serial())
	}
	s.every = 6 * time.Hour
	if err := s.live(ctx, 45*day-s.calendar.Now().Sub(s.began), nil); err != nil {
		return err
	}
	for _, a := range s.of(away) {
		if a.State() != fleet.Managed || a.Erases() > 0 {
			return fmt.Errorf("%s is %s after it came back, and was erased %d times", a.Serial(), a.State(), a.Erases())
		}
	}
	s.say("  After a month %d devices come back that were away. Their wipes were withdrawn long ago, and strike nobody.", len(s.of(away)))
	return nil
}

// byHand enters the PINs of Macs that locked themselves, and turns Activation Locks off.
func (s *story) byHand(ctx context.Context) error {
	for _, a := range s.of(pinned) {
		if a.State() != fleet.PINLocked {
			continue
		}
		pin, err := s.acme().PIN(ctx, cem, s.plan, a.Serial())
		if err != nil {
			return err
		}
		if !a.EnterPIN(pin.Reveal()) {
			return fmt.Errorf("the PIN of %s is wrong", a.Serial())
		}
		s.say("  %s, a Mac without a security chip, locked itself when it was wiped. Cem reads its PIN, which the audit notes.", a.Serial())
	}
	for _, a := range s.of(keyless) {
		if a.State() != fleet.Stuck {
			continue
		}
		a.Unlock()
		a.WalkThrough()
		s.say("  %s asks for an account, and nobody holds the code. Its Activation Lock is turned off at Apple's portal.", a.Serial())
	}
	return nil
}

// second makes another plan, for devices that got a wipe which was withdrawn: while they were away, or by the kill switch.
func (s *story) second(ctx context.Context) error {
	left, err := s.withdrawn(ctx)
	if err != nil {
		return err
	}
	again := func(yield func(runner.PlanRow, error) bool) {
		for _, serial := range left {
			if !yield(runner.PlanRow{Serial: serial}, nil) {
				return
			}
		}
	}
	list, err := s.newPlan(ctx, again)
	if err != nil {
		return err
	}
	s.say("\n12. A second plan, for the %d devices of which the wipe was withdrawn. What was approved once is not approved twice.", list.Plan.Listing.Devices)
	if _, err := s.approve(ctx); err != nil {
		return err
	}
	s.every = 30 * time.Minute
	view, err := s.toTheEnd(ctx)
	if err != nil {
		return err
	}
	s.say("  It ends after %s: %d have arrived.", days(view.EndedAt.Sub(view.CreatedAt)), view.Counts[migration.MoveEnrolled])
	if err := s.byHand(ctx); err != nil {
		return err
	}
	return s.live(ctx, day, nil)
}

// withdrawn are the devices of the present plan of which the wipe was withdrawn.
func (s *story) withdrawn(ctx context.Context) (serials []string, err error) {
	moves, err := s.moves(ctx, migration.MoveHands)
	for _, m := range moves {
		if m.Problem.Code == enrollment.CodeWipeWithdrawn {
			serials = append(serials, m.Device.Serial)
		}
	}
	return serials, err
}

// end shows what became of everything, and asks the fakes whether a rule was broken.
func (s *story) end(ctx context.Context) error {
	if err := s.summary(ctx); err != nil {
		return err
	}
	if s.meddle != nil {
		s.meddle(s)
	}
	broken, err := s.broken(ctx)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("a rule was broken:\n  %s", strings.Join(broken, "\n  "))
	}
	s.say(`
Asked of the fakes: no device was erased twice, none before Apple had confirmed its new service and profile, none outside of the
plan or while the kill switch was thrown; every device that could be reached is managed by the new MDM. The audit is whole.`)
	if s.keep != "" {
		s.say("The store is %s; for example: abmctl --store %[1]s --keyring %[1]s.keyring audit verify", s.host.path)
	}
	return nil
}
