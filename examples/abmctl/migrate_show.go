package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// planArg is the plan that a command names.
type planArg struct {
	Plan enrollment.PlanID `arg:"" placeholder:"PLAN" help:"The plan's ID."`
}

func (c planArg) subject() subject { return aboutPlan(string(c.Plan)) }

type migrateShow struct{ planArg }

func (c *migrateShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	view, err := h.tenant().Plan(ctx, h.actor(), c.Plan)
	if err != nil {
		return nothing{c.subject()}, withoutPlan(err)
	}
	ans := answerPlan(view)
	if ans.Batches, err = h.batchesOf(ctx, c.Plan); err != nil {
		return ans, err
	}
	ans.Waves, err = h.wavesOf(ctx, c.Plan)
	return ans, err
}

// withoutPlan says how a plan is found.
func withoutPlan(err error) error {
	problem := enrollment.ProblemOf(err)
	if problem != nil && problem.Code == enrollment.CodeNotFound {
		problem.Next = "See: abmctl migrate list, and for the devices of one: abmctl migrate moves PLAN; that of another tenant is found with --tenant"
	}
	return asError(problem)
}

type migrateList struct{}

func (*migrateList) subject() subject { return subject{} }

func (*migrateList) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	list := plansAnswer{}
	err := eachPage(func(page runner.Page) (storage.Position, bool, []error, error) {
		p, err := h.tenant().Plans(ctx, h.actor(), page)
		for _, v := range p.Plans {
			list = append(list, answerPlan(v))
		}
		return p.Next, p.More, p.Damaged, err
	})
	return list, err
}

// eachPage walks through the pages of a list. A damaged record hides no other; the first is told of at the end.
func eachPage(read func(runner.Page) (next storage.Position, more bool, damaged []error, err error)) error {
	var first error
	for page := (runner.Page{Limit: storage.MaxPage}); ; {
		next, more, damaged, err := read(page)
		if err != nil {
			return err
		}
		if len(damaged) > 0 && first == nil {
			first = damaged[0]
		}
		if !more {
			return first
		}
		page.After = next
	}
}

// waveRow is one wave of a plan.
type waveRow struct {
	Track    migration.Track     `json:"track"`
	Number   int                 `json:"number"`
	State    migration.WaveState `json:"state"`
	Size     int                 `json:"size"`
	Devices  int                 `json:"devices"`
	Enrolled int                 `json:"enrolled"`
	Failed   int                 `json:"failed"`
	Waiting  migration.Waiting   `json:"waiting,omitzero"`
}

func (r waveRow) String() string {
	text := fmt.Sprintf("%d of %s: %s, %d of %d devices, %d enrolled", r.Number, r.Track, r.State, r.Devices, r.Size, r.Enrolled)
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d failed", r.Failed)
	}
	if why := r.Waiting.Why.Text(); why != "" {
		text += ". " + why
	}
	if !r.Waiting.Until.IsZero() {
		text += ", at " + r.Waiting.Until.Format(time.RFC3339)
	}
	return text
}

func (h *host) wavesOf(ctx context.Context, plan enrollment.PlanID) (rows []waveRow, err error) {
	err = eachPage(func(page runner.Page) (storage.Position, bool, []error, error) {
		p, err := h.tenant().Waves(ctx, plan, page)
		for _, v := range p.Waves {
			enrolled, failed := v.Counts()
			rows = append(rows, waveRow{v.Track, v.Number, v.State, v.Size, len(v.Devices), enrolled, failed, v.Waiting})
		}
		return p.Next, p.More, p.Damaged, err
	})
	return rows, err
}

// rowError is a row of a list of devices that is no part of the plan.
type rowError struct {
	Row     int                 `json:"row"`
	Line    int                 `json:"line,omitempty"` // of the file
	Serial  string              `json:"serial,omitempty"`
	Problem *enrollment.Problem `json:"problem"`
}

func (r rowError) String() string {
	text := fmt.Sprintf("row %d", r.Row)
	if r.Line > 0 {
		text = fmt.Sprintf("line %d", r.Line)
	}
	if r.Serial != "" {
		text += " (" + r.Serial + ")"
	}
	return text + ": " + strings.TrimSuffix(r.Problem.Error(), ".")
}
