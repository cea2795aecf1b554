package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// inventory is the customer's list of devices, with the mistakes that such lists have.
func (s *story) inventory() string {
	var csv strings.Builder
	csv.WriteString("serial,department\n")
	twice := ""
	for _, a := range s.cast {
		if a.outside {
			continue
		}
		fmt.Fprintf(&csv, "%s,sales\n", a.Serial())
		twice = a.Serial()
	}
	fmt.Fprintf(&csv, "%s,listed twice\nSERIAL?!,a slip\nDMPXYZ123456,of another company\n", twice)
	return csv.String()
}

// rows reads the list, and tells of what cannot be read.
func (s *story) rows(wrong func(*enrollment.RowError)) iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for d, err := range enrollment.ReadDevices(strings.NewReader(s.inventory())) {
			if row, bad := errors.AsType[*enrollment.RowError](err); bad {
				wrong(row)
				continue
			}
			if !yield(runner.PlanRow{Serial: d.Device.Serial}, err) {
				return
			}
		}
	}
}

// wish is what the plan is to do. Reached: somebody has seen that the old MDM runs and that its push certificate works.
func (s *story) wish() runner.NewPlan {
	return runner.NewPlan{
		Route: migration.Route{
			From: s.oldServer, To: s.newServer, Profile: s.profile, OldMDM: s.old.ID(), NewMDM: s.new.ID(),
		},
		Reached: enrollment.Yes,
	}
}

// dryRun shows what would become of the devices.
func (s *story) dryRun(ctx context.Context) error {
	s.say("\n3. A dry run: what would become of each device, and why. Nothing is stored, and Apple is only asked.")
	type way struct {
		strategy migration.Strategy
		why      migration.Reason
	}
	count, order := map[way]int{}, []way(nil)
	for row, err := range s.acme().DryRun(ctx, s.wish(), s.rows(func(*enrollment.RowError) {})) {
		if err != nil {
			return err
		}
		if row.Problem != nil {
			continue
		}
		w := way{row.Decision.Strategy, row.Decision.Reasons[0]}
		if count[w]++; count[w] == 1 {
			order = append(order, w)
		}
	}
	for _, strategy := range []migration.Strategy{migration.Reassign, migration.Migrate, migration.Wipe, migration.Hands} {
		for _, w := range order {
			if w.strategy == strategy {
				s.say("  %4d %-9s %s.", count[w], w.strategy, w.why.Text())
			}
		}
	}
	return nil
}

// draft makes the plan and gives it its devices.
func (s *story) draft(ctx context.Context) error {
	s.say("\n4. Tess makes the plan from the customer's list.")
	list, err := s.newPlan(ctx, s.rows(func(row *enrollment.RowError) { s.say("  Left out: %v.", row) }))
	if err != nil {
		return err
	}
	for _, p := range list.Problems {
		s.say("  Left out: %s: %s.", p.Serial, p.Problem.Title)
	}
	l := list.Plan.Listing
	s.say("  %d devices: %d migrate, %d are wiped, %d need a person or nothing.", l.Devices, l.Migrations, l.Wipes, l.Devices-l.Migrations-l.Wipes)
	return nil
}

// newPlan makes a plan and gives it its devices.
func (s *story) newPlan(ctx context.Context, rows iter.Seq2[runner.PlanRow, error]) (runner.PlanList, error) {
	made, err := s.acme().NewPlan(ctx, tess, s.wish())
	if err != nil {
		return runner.PlanList{}, err
	}
	s.plan, s.plans = made.ID, append(s.plans, made.ID)
	list, err := s.acme().ListDevices(ctx, tess, s.plan, rows)
	if err != nil {
		return runner.PlanList{}, err
	}
	moves, err := s.moves(ctx)
	if err != nil {
		return runner.PlanList{}, err
	}
	var serials []string
	for _, m := range moves {
		serials = append(serials, m.Device.Serial)
	}
	s.witness.expects(serials)
	return list, nil
}

// approval has the plan approved, by as many persons as it takes, and lets it cool down.
func (s *story) approval(ctx context.Context) error {
	s.say("\n5. Nobody approves what they made. The approval is of the plan as it was shown: of its digest.")
	view, err := s.approve(ctx)
	if err != nil {
		return err
	}
	s.began = s.calendar.Now()
	s.say("  The plan cools down until %s, in case that somebody is against it.", view.Waiting.Until.Format("15:04"))
	return nil
}

// approve has the present plan approved by as many persons as it takes.
func (s *story) approve(ctx context.Context) (runner.PlanView, error) {
	view, err := s.acme().SubmitPlan(ctx, tess, s.plan)
	if err != nil {
		return view, err
	}
	word := runner.Approved{Digest: view.Digest}
	if _, err := s.acme().ApprovePlan(ctx, tess, s.plan, word); !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeOwnApproval}) {
		return view, fmt.Errorf("the author approved the plan: %w", err)
	}
	for _, by := range []enrollment.Actor{bob, cem} {
		if view, err = s.acme().ApprovePlan(ctx, by, s.plan, word); err != nil {
			return view, err
		}
		s.say("  %s approves; %d more needed.", by.Name, view.Missing)
		if view.Missing == 0 {
			break
		}
	}
	if view.State != migration.PlanCooling {
		return view, fmt.Errorf("the plan is %s", view.State)
	}
	s.witness.approved(view.CoolUntil)
	return view, nil
}
