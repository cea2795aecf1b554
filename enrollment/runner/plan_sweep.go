package runner

import (
	"context"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// Of a plan that ended long ago only its own record and the audit stay. What it moved devices by is deleted in chunks, by RunDue.

const (
	// sweepChunk is how many moves of a plan one write looks at.
	sweepChunk = 100
	// sweepAgain is when a plan is swept again of which something was not over yet.
	sweepAgain = 30 * 24 * time.Hour
)

// planSweep is how far the sweep of a plan has come.
type planSweep struct {
	At     time.Time                   `json:"at,omitzero"`      // when it goes on; zero: there is nothing to sweep, or not any more
	Counts map[migration.MoveState]int `json:"counts,omitempty"` // the plan's devices as it began; nil: it has not
	After  string                      `json:"after,omitempty"`  // the last move that was looked at
	Gone   int                         `json:"gone,omitempty"`   // moves that were deleted
	Kept   int                         `json:"kept,omitempty"`   // moves that were not over yet, in this round
}

// wake is when the plan has something to do next: its own, or the sweep of what it has left.
func (p planRecord) wake() time.Time {
	if p.Live() {
		return p.Wake()
	}
	return p.Sweep.At
}

// keepUntil sets the time of the sweep when the plan comes to rest, and forgets it when the plan comes back to life.
func (p *planRecord) keepUntil(policy enrollment.Policy) {
	switch {
	case p.State.Live():
		p.Sweep = planSweep{}
	case p.Sweep.At.IsZero() && p.Sweep.Counts == nil:
		p.Sweep.At = storage.Instant(p.EndedAt.Add(policy.KeepFinished))
	}
}

// sweepPlan deletes some of what a plan has left, if it ended long enough ago.
func (c *change) sweepPlan(ctx context.Context, p *tracked[planRecord]) error {
	s := p.Value.Sweep
	if p.Value.Live() || s.At.IsZero() || c.now.Before(s.At) {
		return nil
	}
	p.moved = true
	if until := storage.Instant(p.Value.EndedAt.Add(c.policy.KeepFinished)); c.now.Before(until) && s.Counts == nil {
		p.Value.Sweep.At = until // the rules have changed since
		return nil
	}
	if s.Counts == nil {
		counts, err := c.countMoves(ctx, p.Value.ID)
		if err != nil {
			return err
		}
		s.Counts = counts
	}
	moves, err := c.sweepMoves(ctx, p.Value.ID, &s)
	if err == nil && !moves {
		err = c.sweepRest(ctx, p.Value.ID)
	}
	if err != nil {
		return err
	}
	if moves || len(c.write.Delete) > 0 {
		p.Value.Sweep = s // there may be more, at once
		return nil
	}
	s.At, s.After = time.Time{}, ""
	if s.Kept > 0 {
		s.At = c.now.Add(sweepAgain)
	}
	gone := enrollment.NewAuditFact(enrollment.ActPlanSwept, enrollment.Nobody, "moves", strconv.Itoa(s.Gone), "kept", strconv.Itoa(s.Kept))
	s.Kept, p.Value.Sweep = 0, s
	return appendFacts(ctx, c, string(p.Value.ID), &p.Value.Audit, &p.moved, []enrollment.AuditFact{gone})
}

// countMoves counts the moves of a plan by the state that a store searches by.
func (c *change) countMoves(ctx context.Context, plan enrollment.PlanID) (map[migration.MoveState]int, error) {
	counts, err := c.store.Count(ctx, storage.Query{Kind: KindMove, Tenant: c.tenant.Tenant, Parent: string(plan)})
	out := make(map[migration.MoveState]int, len(counts))
	for state, n := range counts {
		out[migration.MoveState(state)] = n
	}
	return out, err
}

// sweepMoves deletes the next moves that are over; false: there were none left to look at.
func (c *change) sweepMoves(ctx context.Context, plan enrollment.PlanID, s *planSweep) (more bool, err error) {
	q := storage.Query{Kind: KindMove, Tenant: c.tenant.Tenant, Parent: string(plan), Limit: sweepChunk}
	if s.After != "" {
		q.After = storage.Position{Tenant: c.tenant.Tenant, ID: s.After}
	}
	page, err := c.store.List(ctx, q)
	for _, rec := range page {
		if err != nil {
			return false, err
		}
		s.After = rec.ID
		var m storage.Item[moveRecord]
		if m, err = c.moves.Decode(ctx, rec); err != nil {
			return false, err
		}
		if !over(m.Value.Move) {
			s.Kept++
			continue
		}
		s.Gone++
		err = c.dropMove(ctx, m)
	}
	return len(page) > 0, err
}

// over reports whether nothing is to be expected of a move, and nobody needs it, any more.
func over(m migration.Move) bool {
	locked := m.PIN != "" && m.State != migration.MoveEnrolled
	return !m.Live() && !m.Wipe.MayStrike() && !locked
}

// dropMove deletes a move and what leads to it. A device that another plan has taken since is the other's.
func (c *change) dropMove(ctx context.Context, m storage.Item[moveRecord]) error {
	c.write.Delete = append(c.write.Delete, m.Ref())
	if m.Value.PIN != "" {
		if err := c.dropSecret(ctx, pinRef(m.Value.Move, m.Value.PIN)); err != nil {
			return err
		}
	}
	serial, udid := m.Value.Device.Serial, m.Value.Device.UDID
	follows, found, err := find(ctx, c.devices, m.Tenant, serial)
	if err != nil || !found || follows.Value.Move != m.Value.ID {
		return err
	}
	c.write.Delete = append(c.write.Delete, follows.Ref())
	if !validUDID(udid) {
		return nil
	}
	named, found, err := find(ctx, c.udids, m.Tenant, udid)
	if err == nil && found && named.Value.Serial == serial {
		c.write.Delete = append(c.write.Delete, named.Ref())
	}
	return err
}

// sweepRest deletes batches and waves of a plan, some at a time.
func (c *change) sweepRest(ctx context.Context, plan enrollment.PlanID) error {
	for _, kind := range []string{KindBatch, KindWave} {
		page, err := c.store.List(ctx, storage.Query{Kind: kind, Tenant: c.tenant.Tenant, Parent: string(plan), Limit: sweepChunk})
		if err != nil {
			return err
		}
		for _, rec := range page {
			if !migration.BatchState(rec.State).Live() && !migration.WaveState(rec.State).Live() {
				c.write.Delete = append(c.write.Delete, rec.Ref())
			}
		}
		if len(c.write.Delete) > 0 {
			return nil
		}
	}
	return nil
}
