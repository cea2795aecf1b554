package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// moveRecord is the move of a device with its history, which is a subject of the audit by the move's ID.
type moveRecord struct {
	migration.Move
	Audit enrollment.AuditHead `json:"audit"`
	Other map[string]string    `json:"other,omitempty"` // that the list had beside the device
}

// wake parks a move that waits for a batch: its plan fetches it, and a plan of any size leaves nothing due before that.
func (m moveRecord) wake() time.Time {
	if m.State == migration.MoveQueued {
		return time.Time{}
	}
	return m.Wake()
}

// deviceRecord says which move follows a device: so a device has one live move at most, whatever plans there are.
type deviceRecord struct {
	Move enrollment.MoveID `json:"move"`
}

// udidRecord says which device has an enrollment ID, which is all that most messages of a device tell.
type udidRecord struct {
	Serial string `json:"serial"`
}

var (
	moveSpec = storage.Spec[moveRecord]{
		Kind: KindMove, Schema: 1,
		Columns: func(m moveRecord) storage.Columns {
			return storage.Columns{Parent: string(m.Plan), State: string(m.State), Wake: m.wake()}
		},
	}
	deviceSpec = storage.Spec[deviceRecord]{Kind: KindDevice, Schema: 1}
)

// moveID names the move of a device within a plan, so that moves are listed by serial number. A colon sorts behind the slash
// of audit entries: so the histories of a plan and of its moves lie one behind the other, whatever serial numbers there are.
func moveID(plan enrollment.PlanID, serial string) enrollment.MoveID {
	return enrollment.MoveID(string(plan) + ":" + serial)
}

func (c *change) move(ctx context.Context, id enrollment.MoveID) (*tracked[moveRecord], error) {
	return c.movesSeen.get(ctx, c, string(id))
}

// fetchMoves reads many moves of a plan, for [change.move].
func (c *change) fetchMoves(ctx context.Context, plan enrollment.PlanID, serials []string) error {
	keys := make([]storage.RecordKey, 0, len(serials))
	for _, serial := range serials {
		id := string(moveID(plan, serial))
		if _, seen := c.movesSeen.seen[id]; !seen {
			keys = append(keys, c.moves.Key(c.owner(), id))
		}
	}
	return c.fetch(ctx, keys)
}

// stepMove takes one event of a move and puts all that follows from it into the write.
func (c *change) stepMove(ctx context.Context, m *tracked[moveRecord], ev migration.MoveEvent) error {
	tr, err := m.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	return c.applyMove(ctx, m, tr)
}

func (c *change) applyMove(ctx context.Context, m *tracked[moveRecord], tr migration.MoveTransition) error {
	m.Value.Move, m.moved = tr.Move, true
	for _, id := range tr.Drop {
		if err := c.dropSecret(ctx, pinRef(m.Value.Move, id)); err != nil {
			return err
		}
	}
	return appendFacts(ctx, c, string(m.Value.ID), &m.Value.Audit, &m.moved, tr.Audit)
}

// tellNews tells devices of a plan what they learn by the step of a batch or wave. One of which there is no move learns nothing.
func (c *change) tellNews(ctx context.Context, plan enrollment.PlanID, news []migration.News) error {
	serials := make([]string, 0, len(news))
	for _, n := range news {
		serials = append(serials, n.Serial)
	}
	if err := c.fetchMoves(ctx, plan, serials); err != nil {
		return err
	}
	for _, n := range news {
		m, err := c.move(ctx, moveID(plan, n.Serial))
		if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.stepMove(ctx, m, n.Event); err != nil {
			return err
		}
	}
	return nil
}

// moving is the job of a move.
func (c *change) moving(m *tracked[moveRecord]) job {
	return job{
		record: m, moved: &m.moved,
		tick:  func(ctx context.Context) error { return c.stepMove(ctx, m, migration.MoveTicked{}) },
		due:   func() []enrollment.Effect { return m.Value.Due(c.now) },
		reads: func(enrollment.Effect) []storage.RecordKey { return readsOfMove(m.Value.Move) },
		// Moves send no notices: their plan does.
		notified: func(context.Context, enrollment.Result) error { return nil },
	}
}

// secretPIN is the kind of secret of a device's PIN, which belongs to its plan.
const secretPIN = "pin"

func pinRef(m migration.Move, id string) storage.SecretRef {
	return storage.SecretRef{Tenant: string(m.Tenant), Owner: string(m.Plan), Kind: secretPIN, ID: id, Generation: 1}
}
