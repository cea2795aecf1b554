package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// broken asks the fakes, who know best, which rules were broken.
func (s *story) broken(ctx context.Context) ([]string, error) {
	moves, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	states := map[string]migration.MoveState{}
	for _, m := range moves {
		states[m.Device.Serial] = m.State
	}
	report, err := s.host.runner.VerifyAudit(ctx)
	if err != nil {
		return nil, err
	}
	broken := slices.Clone(s.witness.wrong)
	for _, f := range report.Faults {
		broken = append(broken, fmt.Sprintf("the audit is not whole: %v", f))
	}
	for _, a := range s.cast {
		for _, why := range s.wrongWith(a, states[a.Serial()]) {
			broken = append(broken, a.Serial()+" "+why)
		}
	}
	return broken, nil
}

// wrongWith says what should not be with one device, of which the plan says that it is in a state.
func (s *story) wrongWith(a *actor, state migration.MoveState) (broken []string) {
	arrived := a.MDM() == s.new
	listed := state != ""
	for _, c := range []struct {
		holds bool
		why   string
	}{
		{a.Erases() > 1, fmt.Sprintf("was erased %d times", a.Erases())},
		{a.Erases() > 0 && !a.wiped, "was erased, which its kind must not be"},
		{a.Erases() > 0 && a.outside, "was erased and is not part of the plan"},
		{a.Erases() > 0 && !s.witness.ever[a.Serial()], "was erased, and nobody sent it a wipe"},
		{a.outside == listed, "is in the plan, or not, against the customer's list"},
		{a.outside && a.MDM() != s.old, "left its MDM and is not part of the plan"},
		{a.reached && !a.outside && !arrived, "could be reached and is not managed by the new MDM"},
		{!a.outside && arrived != (state == migration.MoveEnrolled || state == migration.MoveReassigned),
			"is elsewhere than its plan says: " + string(state)},
	} {
		if c.holds {
			broken = append(broken, c.why)
		}
	}
	return broken
}
