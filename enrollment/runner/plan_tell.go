package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// tellChunk is how many records hear a word in one write.
const tellChunk = storage.MaxPage

// errStale says that the plan has another word to tell meanwhile.
var errStale = errors.New("runner: the plan tells another word by now")

// tellAll tells a plan's word to its waves, its batches and then its moves.
func (r *Runner) tellAll(ctx context.Context, k storage.RecordKey, x enrollment.Effect) error {
	word, plan := migration.Word(x.Word), enrollment.PlanID(k.ID)
	for _, kind := range []string{KindWave, KindBatch, KindMove} {
		err := r.eachOf(ctx, kind, k.Tenant, plan, func(page []storage.Record) (bool, error) {
			for len(page) > 0 {
				n := min(tellChunk, len(page))
				if err := r.tellSome(ctx, k, x, word, page[:n]); err != nil {
					return false, err
				}
				page = page[n:]
			}
			return true, nil
		})
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
	}
	return nil
}

// tellSome tells the word to some records, in a write that holds the plan: so that no word is told behind a newer one.
func (r *Runner) tellSome(ctx context.Context, k storage.RecordKey, x enrollment.Effect, word migration.Word, page []storage.Record) error {
	return r.change(ctx, enrollment.TenantID(k.Tenant), func(c *change) error {
		p, err := c.plansSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		if _, still := p.Value.Pending.Find(x.ID); !still {
			return errStale
		}
		if err := c.fetch(ctx, keysOf(page)); err != nil {
			return err
		}
		for _, rec := range page {
			if err := c.tell(ctx, rec.RecordKey, word); err != nil {
				return err
			}
		}
		return nil
	})
}

func keysOf(page []storage.Record) []storage.RecordKey {
	keys := make([]storage.RecordKey, 0, len(page))
	for _, rec := range page {
		keys = append(keys, rec.RecordKey)
	}
	return keys
}

// tell tells one record of a plan the word.
func (c *change) tell(ctx context.Context, k storage.RecordKey, word migration.Word) error {
	switch k.Kind {
	case KindWave:
		w, err := c.wavesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepWave(ctx, w, word.Wave(w.Value.Track))
	case KindBatch:
		b, err := c.batchesSeen.get(ctx, c, k.ID)
		if err != nil {
			return err
		}
		return c.stepBatch(ctx, b, word.Batch())
	}
	ev := word.Move(migration.CancelRequested{By: enrollment.Nobody})
	if ev == nil {
		return nil
	}
	m, err := c.move(ctx, enrollment.MoveID(k.ID))
	if err != nil {
		return err
	}
	if err := c.stepMove(ctx, m, ev); err != nil {
		if _, refused := errors.AsType[*migration.TransitionError](err); !refused {
			return err
		}
	} // one that has ended, or is being erased, goes its way
	return nil
}
