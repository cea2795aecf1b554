package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// settlePause is how often a record that another worker has claimed is looked at again.
const settlePause = 50 * time.Millisecond

// Settle does now what is due of one server, push certificate, renewal, plan or move, instead of at the next RunDue; for Config.SettleFor
// at most. It waits for another worker that has the subject in hand. What is not done by then goes on with RunDue: that is no
// error.
func (t *Tenant) Settle(ctx context.Context, subject string) error {
	if _, err := t.opened(ctx); err != nil {
		return err
	}
	for _, kind := range Kinds() {
		k := storage.RecordKey{Kind: kind, Tenant: string(t.id), ID: subject}
		if _, err := t.r.store.Get(ctx, k); err == nil {
			return t.settle(ctx, k)
		} else if !absent(err) {
			return asProblem(err)
		}
	}
	return missing(storage.ErrNotFound, "server, push certificate, renewal, plan or move")
}

func (t *Tenant) settle(ctx context.Context, k storage.RecordKey) error {
	if t.r.cfg.SettleFor < 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, t.r.cfg.SettleFor)
	defer cancel()
	for within.Err() == nil {
		claimed, err := t.r.store.Claim(within, storage.Claim{Keys: []storage.RecordKey{k}, Limit: 1, Lease: t.r.cfg.Lease})
		if err != nil {
			return t.unsettled(ctx, err)
		}
		if len(claimed.Records) > 0 {
			e := &errand{key: k, until: claimed.Now.Add(t.r.cfg.Lease)}
			if err := t.r.work(within, e); err != nil {
				t.r.giveBack(e)
				return t.unsettled(ctx, err)
			}
			continue
		}
		busy, err := t.busy(within, k)
		if err != nil || !busy {
			return t.unsettled(ctx, err)
		}
		timer := time.NewTimer(settlePause)
		select {
		case <-timer.C:
		case <-within.Done():
			timer.Stop()
		}
	}
	return ctx.Err()
}

// unsettled makes no error of the end of the time for settling, only of the end of the caller's own.
func (t *Tenant) unsettled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return asProblem(err)
}

// busy reports whether something is due of a record that nobody could claim: then another worker is at it.
func (t *Tenant) busy(ctx context.Context, k storage.RecordKey) (bool, error) {
	c, err := t.r.newChange(ctx, enrollment.TenantID(k.Tenant))
	if err != nil {
		return false, err
	}
	j, err := c.job(ctx, k)
	if err != nil {
		return false, err
	}
	return len(j.due()) > 0, nil
}
