package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// WavePage is one page of a plan's waves.
type WavePage struct {
	Waves   []WaveView
	Damaged []error // of records that could not be read
	Next    storage.Position
	More    bool
}

// WaveView is a wave as a person sees it.
type WaveView struct {
	migration.Wave
	Waiting migration.Waiting `json:"waiting,omitzero"`
}

// Waves returns the waves of a plan that have begun so far.
func (t *Tenant) Waves(ctx context.Context, id enrollment.PlanID, page Page) (WavePage, error) {
	c, err := t.look(ctx)
	if err != nil {
		return WavePage{}, err
	}
	q, err := page.query(storage.Query{Tenant: string(t.id), Parent: string(id)})
	if err != nil {
		return WavePage{}, err
	}
	if _, err := c.plan(ctx, id); err != nil {
		return WavePage{}, asProblem(err)
	}
	var p WavePage
	p.Waves, p.Damaged, p.Next, p.More, err = list(ctx, c.waves, c.store, q,
		func(item storage.Item[migration.Wave]) (WaveView, error) {
			return WaveView{item.Value, item.Value.Waiting()}, nil
		})
	return p, asProblem(err)
}
