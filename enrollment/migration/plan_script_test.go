package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Long stories of a plan, told by scripts. A command is the name of an event as the matrix has it, or one of these:
//
//	plan                a new plan
//	stand STATE         where its devices stand from now on, when they are counted
//	wait 3d|2h|5m       time passes; what falls due is done
//
// Below a command stand what the plan made of it, its state, what it waits for, and when it wakes.
func TestPlanScripts(t *testing.T) {
	machinetest.Scripts(t, "testdata/scripts/plan_*.txt", func() func(machinetest.Command) (string, error) {
		return (&planHost{now: noon, stand: migration.MoveQueued}).command
	})
}

type planHost struct {
	now   time.Time
	p     migration.Plan
	stand migration.MoveState
	said  []string
}

func (h *planHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	var err error
	switch name := strings.Join(append([]string{c.Name}, c.Args...), " "); c.Name {
	case "plan":
		var tr migration.PlanTransition
		tr, err = migration.StartPlan(wiping, h.now, planRequest())
		h.p = tr.Plan
	case "stand":
		h.stand = migration.MoveState(c.Args[0])
	case "wait":
		err = h.wait(c.Args[0])
	default:
		all := allPlanEvents()
		i := slices.IndexFunc(all, func(ev planEvent) bool { return ev.Name == name })
		if i < 0 {
			return "", fmt.Errorf("there is no event %q", name)
		}
		err = h.take(all[i].Of(h.p, h.now))
	}
	if err != nil {
		h.said = append(h.said, enrollment.ProblemOf(err).Error())
	}
	waits := h.p.Waiting(wiping)
	line := fmt.Sprintf("day %d: %s", int(h.now.Sub(noon)/day), h.p.State)
	if waits.Why != "" {
		line += ", waits for " + string(waits.Why)
	}
	if gate := h.p.Gate(); gate.Open {
		line += ", OPEN by " + gate.Approval
	}
	return "  " + strings.Join(append(h.said, line), "\n  "), nil
}

func (h *planHost) take(ev migration.PlanEvent) error {
	step, err := plans().Step(h.p, h.now, ev)
	if err != nil || !step.Moved {
		return err
	}
	notes := slices.DeleteFunc(step.Notes, func(n string) bool { return strings.HasPrefix(n, "audits") })
	if step.Next.State != h.p.State {
		notes = append([]string{string(h.p.State) + " -> " + string(step.Next.State)}, notes...)
	}
	if len(notes) > 0 {
		h.said = append(h.said, strings.Join(notes, ", "))
	}
	h.p = step.Next
	return nil
}

// wait lets time pass from wake to wake, and does what is due.
func (h *planHost) wait(text string) error {
	unit := map[byte]time.Duration{'d': day, 'h': hour, 'm': minute}[text[len(text)-1]]
	var n int
	if _, err := fmt.Sscan(text[:len(text)-1], &n); err != nil {
		return err
	}
	until := h.now.Add(time.Duration(n) * unit)
	for {
		if err := h.take(migration.PlanTicked{}); err != nil {
			return err
		}
		for _, x := range h.p.Due(h.now) {
			counted := tally(map[migration.MoveState]int{h.stand: h.p.Listing.Devices})
			if err := h.take(answerPlan(h.p, x, enrollment.Result{Outcome: enrollment.OK}, counted)); err != nil {
				return err
			}
		}
		wake := h.p.Wake()
		if wake.IsZero() || wake.After(until) {
			h.now = until
			return nil
		}
		if wake.After(h.now) {
			h.now = wake
		}
	}
}
