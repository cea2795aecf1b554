package main

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// deviceSource is where a plan has its devices from: a list, or everything that a service has.
type deviceSource struct {
	read   func(yield func(runner.PlanRow, error) bool)
	file   io.Closer
	lines  []int32 // of the file, by row
	broken error   // why the list cannot be read to its end
	shared bool
}

func (c *migratePlan) list(ctx context.Context, h *host, from enrollment.ServerID) (*deviceSource, error) {
	s := &deviceSource{shared: c.Shared}
	if c.All {
		view, err := h.tenant().Server(ctx, from)
		if err != nil {
			return nil, err
		}
		s.read = s.fromService(view.Server, h.devices.Devices(ctx, serviceOf(view)))
		return s, nil
	}
	f, err := h.openInput(c.Devices)
	if err != nil {
		return nil, err
	}
	s.file = f
	s.read = s.fromFile(enrollment.ReadDevices(f))
	return s, nil
}

func (s *deviceSource) close() {
	if s.file != nil {
		_ = s.file.Close() // it was read only
	}
}

func (s *deviceSource) rows() iter.Seq2[runner.PlanRow, error] { return s.read }

// fromService takes every device of a service. One that comes twice, as Apple may send it, is one.
func (s *deviceSource) fromService(
	server enrollment.Server, devices iter.Seq2[enrollment.AssignedDevice, error],
) iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		seen := map[string]bool{}
		for d, err := range devices {
			if err != nil {
				yield(runner.PlanRow{}, appleTrouble(err, server))
				return
			}
			if !seen[d.Serial] && !yield(runner.PlanRow{Serial: d.Serial, SharedAccepted: s.shared}, nil) {
				return
			}
			seen[d.Serial] = true
		}
	}
}

// fromFile takes the rows of a list. What is wrong with one is told beside the plan; a list that breaks off is no list.
func (s *deviceSource) fromFile(devices iter.Seq2[enrollment.ListedDevice, error]) iter.Seq2[runner.PlanRow, error] {
	return func(yield func(runner.PlanRow, error) bool) {
		for d, err := range devices {
			row := runner.PlanRow{Serial: d.Device.Serial, SharedAccepted: s.shared, Told: told(d.Device), Other: d.Other}
			line := d.Line
			if wrongRow, is := errors.AsType[*enrollment.RowError](err); is {
				row, line = runner.PlanRow{Serial: wrongRow.Serial, Wrong: wrongLine(wrongRow)}, wrongRow.Line
				err = nil
			}
			if err != nil {
				s.broken = err
				yield(runner.PlanRow{}, brokenList(err))
				return
			}
			s.lines = append(s.lines, int32(min(line, 1<<31-1)))
			if !yield(row, nil) {
				return
			}
		}
	}
}

// told is what a list says of a device beside its serial number; nil: nothing.
func told(d enrollment.Device) *enrollment.Device {
	d.Serial = ""
	if d == (enrollment.Device{}) {
		return nil
	}
	return &d
}

// wrongLine is what is wrong with a row of a file.
func wrongLine(e *enrollment.RowError) *enrollment.Problem {
	problem := wrong("row", e.Why).Because(e)
	problem.Title, problem.Next = e.Why, "Mend the row, or leave it out; the others are part of the plan"
	return problem
}

func brokenList(err error) error {
	problem := wrong("devices", "a list of devices in CSV").Because(err)
	problem.Title, problem.Next = "The list of devices cannot be used", "Give another list; this one is of no use: "+err.Error()
	return problem
}

// problems are the rows that are no part of a plan, by the lines of the file.
func (s *deviceSource) problems(found []runner.RowProblem) []rowError {
	rows := make([]rowError, 0, len(found))
	for _, p := range found {
		r := rowError{Row: p.Row, Serial: p.Serial, Problem: p.Problem}
		if p.Row >= 1 && p.Row <= len(s.lines) {
			r.Line = int(s.lines[p.Row-1])
		}
		rows = append(rows, r)
	}
	return rows
}
