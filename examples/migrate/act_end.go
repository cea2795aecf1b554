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
	s.every = 2 * time.Hour
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
	done := map[string][]string{}
	for _, a := range s.of(pinned) {
		pin, err := s.acme().PIN(ctx, cem, s.plan, a.Serial())
		if err != nil {
			return err
		}
		if !a.EnterPIN(pin.Reveal()) {
			return fmt.Errorf("the PIN of %s is wrong", a.Serial())
		}
		done[pinned] = append(done[pinned], a.Serial())
	}
	for _, a := range s.of(keyless) {
		a.Unlock()
		a.WalkThrough()
		done[keyless] = append(done[keyless], a.Serial())
	}
	for _, a := range s.of(refuser) {
		a.EraseByHand()
		done[refuser] = append(done[refuser], a.Serial())
	}
	s.say("  PIN: Macs without a security chip lock themselves when they are wiped. Cem reads the PINs, which the audit notes, and enters them:")
	s.say("    %s", strings.Join(done[pinned], " "))
	s.say("  Activation Lock: nobody holds the code of these, so it is turned off at Apple's portal:\n    %s", strings.Join(done[keyless], " "))
	s.say("  The canary that refused is erased by hand:\n    %s", strings.Join(done[refuser], " "))
	s.every = 6 * time.Hour
	if err := s.live(ctx, 45*day-s.calendar.Now().Sub(s.began), nil); err != nil {
		return err
	}
	for _, a := range s.of(away) {
		if a.State() != fleet.Managed {
			return fmt.Errorf("%s is %s after it came back", a.Serial(), a.State())
		}
	}
	s.say("  After a month %d devices come back that were away. Their wipes were withdrawn long ago, and strike nobody.", len(s.of(away)))
	return nil
}

// second makes another plan, for devices that got a wipe which was withdrawn: while they were away, or by the kill switch.
func (s *story) second(ctx context.Context) error {
	left, err := s.moves(ctx, migration.MoveHands)
	if err != nil {
		return err
	}
	again := func(yield func(runner.PlanRow, error) bool) {
		for _, m := range left {
			if m.Problem.Code == enrollment.CodeWipeWithdrawn && !yield(runner.PlanRow{Serial: m.Device.Serial}, nil) {
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
	s.say("  It ends after %v: %d have arrived.", view.EndedAt.Sub(view.CreatedAt).Round(time.Minute), view.Counts[migration.MoveEnrolled])
	return nil
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
