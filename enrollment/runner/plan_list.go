package runner

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// RowProblem is why a row is not part of a plan.
type RowProblem struct {
	Row     int // 1 for the first
	Serial  string
	Problem *enrollment.Problem
}

// PlanList is what became of a list of devices.
type PlanList struct {
	Plan     PlanView
	Problems []RowProblem // the first thousand; Plan.Refused counts all
}

const (
	// listChunk is how many devices of a list are stored at once: each with its move, and with what names the device.
	listChunk = 2000
	// maxRowProblems bounds what is kept of rows with problems.
	maxRowProblems = 1000
)

// lister makes the list of one plan.
type lister struct {
	t        *Tenant
	by       enrollment.Actor
	id       enrollment.PlanID
	me       string
	plan     planRecord
	problems []RowProblem
	refused  int
	kept     map[string]bool // serial numbers that are part of the plan
}

// row is one of a stream.
type row struct {
	PlanRow
	at int
}

// ListDevices gives a plan its devices. Of each the ports are asked what is known, and the way that does it least harm is
// chosen. A row with a problem is told of and left out; an error of the stream ends it all, and nothing is listed. After that,
// or a crash, it is called again with the same rows and goes on where it was.
//
// What was found wrong with rows so far comes beside an error, too. A plan is listed once. To change the devices, make
// another plan and cancel this one.
func (t *Tenant) ListDevices(
	ctx context.Context, by enrollment.Actor, id enrollment.PlanID, rows iter.Seq2[PlanRow, error],
) (PlanList, error) {
	if err := validActor(by); err != nil {
		return PlanList{}, err
	}
	l := &lister{t: t, by: by, id: id, me: t.r.cfg.NewID("lst"), kept: map[string]bool{}}
	if err := l.begin(ctx); err != nil {
		return PlanList{}, err
	}
	sorted, err := l.sort(rows)
	if err != nil {
		return PlanList{}, asProblem(err)
	}
	for chunk := range slices.Chunk(sorted, listChunk) {
		if err := l.store(ctx, chunk); err != nil {
			return PlanList{Problems: l.problems}, asProblem(err)
		}
	}
	if err := l.clear(ctx); err != nil {
		return PlanList{Problems: l.problems}, asProblem(err)
	}
	if err := l.finish(ctx); err != nil {
		return PlanList{Problems: l.problems}, asProblem(err)
	}
	view, err := t.Plan(ctx, by, id)
	return PlanList{Plan: view, Problems: l.problems}, err
}

// begin takes over the plan's list from whoever began with it before.
func (l *lister) begin(ctx context.Context) error {
	return l.t.change(ctx, func(c *change) error {
		if err := c.stillOpen(); err != nil {
			return err
		}
		p, err := c.plan(ctx, l.id)
		if err != nil {
			return err
		}
		if p.Value.State != migration.PlanDrafting || p.Value.Digest != "" {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(p.Value.State),
				"next", "The plan has its devices; make another plan for others")
		}
		p.Value.Lister, p.moved = l.me, true
		l.plan = p.Value
		return nil
	})
}

// mine makes sure, in a write, that nobody else has taken over.
func (l *lister) mine(ctx context.Context, c *change) (*tracked[planRecord], error) {
	p, err := c.plan(ctx, l.id)
	if err == nil && (p.Value.Lister != l.me || p.Value.State != migration.PlanDrafting) {
		err = enrollment.NewProblem(enrollment.CodeConflict)
	}
	return p, err
}

func (l *lister) wrong(r row, problem *enrollment.Problem) {
	l.refused++
	if len(l.problems) < maxRowProblems {
		l.problems = append(l.problems, RowProblem{Row: r.at, Serial: r.Serial, Problem: problem})
	}
}

// sort reads the stream: of a list only its rows are in memory.
func (l *lister) sort(rows iter.Seq2[PlanRow, error]) ([]row, error) {
	var all []row
	n := 0
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		n++
		r, problem := r.checked()
		if problem != nil {
			l.wrong(row{r, n}, problem)
			continue
		}
		all = append(all, row{r, n})
	}
	slices.SortFunc(all, func(a, b row) int { return cmp.Or(cmp.Compare(a.Serial, b.Serial), a.at-b.at) })
	unique := all[:0]
	for _, r := range all {
		if len(unique) > 0 && unique[len(unique)-1].Serial == r.Serial {
			l.wrong(r, invalid("serial", "each device once"))
			continue
		}
		unique = append(unique, r)
	}
	return unique, nil
}

// store decides about some devices and stores their moves.
func (l *lister) store(ctx context.Context, rows []row) error {
	var decided []decidedRow
	for some := range slices.Chunk(rows, enrollment.MaxBatch) {
		more, err := l.t.r.decide(ctx, l.plan, some)
		if err != nil {
			return err
		}
		decided = append(decided, more...)
	}
	var taken []decidedRow
	err := l.t.change(ctx, func(c *change) error {
		taken = nil
		if _, err := l.mine(ctx, c); err != nil {
			return err
		}
		if err := c.fetchListed(ctx, decided); err != nil {
			return err
		}
		for _, d := range decided {
			if d.problem == nil {
				problem, err := l.add(ctx, c, d)
				if err != nil {
					return err
				}
				d.problem = problem
			}
			taken = append(taken, d)
		}
		return nil
	})
	for _, d := range taken {
		if d.problem != nil {
			l.wrong(d.row, d.problem)
		} else {
			l.kept[d.Serial] = true
		}
	}
	return err
}

// fetchListed reads what is known of devices already: which moves follow them, and what they are called at their MDM.
func (c *change) fetchListed(ctx context.Context, decided []decidedRow) error {
	var keys []storage.RecordKey
	for _, d := range decided {
		keys = append(keys, c.devices.Key(c.owner(), d.Serial))
		if udid := d.listed.Device.UDID; validUDID(udid) {
			keys = append(keys, c.udids.Key(c.owner(), udid))
		}
	}
	return c.fetch(ctx, keys)
}

// add makes the move of one device; the problem says why not.
func (l *lister) add(ctx context.Context, c *change, d decidedRow) (*enrollment.Problem, error) {
	id := moveID(l.id, d.Serial)
	follows, err := c.devicesSeen.ensure(ctx, c, d.Serial)
	if err != nil || follows.Value.Move == id {
		return nil, err // stored before a crash
	}
	if follows.found {
		other, err := c.move(ctx, follows.Value.Move)
		if err != nil && !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
			return nil, err
		}
		if err == nil && (other.Value.Live() || other.Value.Wipe.MayStrike()) {
			return enrollment.NewProblem(enrollment.CodeRefused, "state", string(other.Value.State),
				"next", "Plan "+string(other.Value.Plan)+" moves the device already; cancel it there first"), nil
		}
	}
	tr, err := migration.StartMove(c.now, migration.MoveRequest{
		ID: id, Tenant: l.t.id, Plan: l.id, Device: d.listed.Device, Route: l.plan.Route, Decision: d.listed.Decision,
	})
	if problem, told := errors.AsType[*enrollment.Problem](err); told {
		return problem, nil
	}
	if err != nil {
		return nil, err
	}
	m := c.movesSeen.add(c, string(id), moveRecord{Other: d.Other})
	follows.Value.Move, follows.moved = id, true
	if udid := d.listed.Device.UDID; validUDID(udid) {
		named, err := c.udidsSeen.ensure(ctx, c, udid)
		if err != nil {
			return nil, err
		}
		named.Value.Serial, named.moved = d.Serial, true
	}
	return nil, c.applyMove(ctx, m, tr)
}

// clear removes what an earlier attempt stored and this list does not have.
func (l *lister) clear(ctx context.Context) error {
	var over []storage.Record
	err := l.t.r.eachOf(ctx, KindMove, string(l.t.id), l.id, func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			if !l.kept[strings.TrimPrefix(rec.ID, string(moveID(l.id, "")))] {
				over = append(over, rec)
			}
		}
		return true, nil
	})
	for chunk := range slices.Chunk(over, listChunk) {
		if err != nil {
			break
		}
		err = l.t.change(ctx, func(c *change) error {
			if _, err := l.mine(ctx, c); err != nil {
				return err
			}
			for _, rec := range chunk {
				m, err := c.movesSeen.take(ctx, c, rec)
				if err != nil {
					return err
				}
				d, err := c.devicesSeen.get(ctx, c, m.Value.Device.Serial)
				if err != nil {
					return err
				}
				delete(c.movesSeen.seen, m.ID)
				delete(c.devicesSeen.seen, d.ID)
				c.write.Delete = append(c.write.Delete, m.Ref(), d.Ref())
			}
			return nil
		})
	}
	return err
}

// finish makes the digest of what is stored, and gives it to the plan.
func (l *lister) finish(ctx context.Context) error {
	c, err := l.t.look(ctx)
	if err != nil {
		return err
	}
	content := l.plan.NextContent(c.policy)
	digest := migration.NewDigest(content)
	err = l.t.r.eachOf(ctx, KindMove, string(l.t.id), l.id, func(page []storage.Record) (bool, error) {
		for _, rec := range page {
			item, err := l.t.r.listings.Decode(ctx, rec)
			if err == nil {
				err = digest.Add(item.Value)
			}
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	sum, listing := digest.Sum()
	return l.t.change(ctx, func(c *change) error {
		p, err := l.mine(ctx, c)
		if err != nil {
			return err
		}
		if _, err := c.heldPolicy(ctx); err != nil {
			return err
		}
		if !reflect.DeepEqual(p.Value.NextContent(c.policy), content) {
			return enrollment.NewProblem(enrollment.CodeConflict) // the rules have changed meanwhile
		}
		p.Value.Lister = ""
		return c.stepPlan(ctx, p, migration.DevicesListed{By: l.by, Digest: sum, Listing: listing, Refused: l.refused})
	})
}
