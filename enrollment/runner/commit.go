package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// attempts is how often a change is made anew before the caller hears of the conflict.
const attempts = 12

// change reads, lets decide make a write, and commits it; over again where somebody else was faster. Where the outcome of
// the commit is unknown it looks: a write that happened is not decided again, or its acts would be written down twice.
func (m rooms) change(ctx context.Context, tenant enrollment.TenantID, decide func(*change) error) error {
	return m.changeAfter(ctx, tenant, nil, decide)
}

// changeAfter is change after an attempt, if doubt is not nil, that may or may not have happened.
func (m rooms) changeAfter(ctx context.Context, tenant enrollment.TenantID, doubt *change, decide func(*change) error) error {
	var err error
	for range attempts {
		var happened bool
		if happened, err = doubt.happened(ctx); err == nil && !happened {
			doubt, err = m.tryChange(ctx, tenant, decide)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// A secret that is not there was dropped by somebody who was faster than the look at the record that names it.
		if !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) && !unknown(err) {
			break
		}
	}
	return asProblem(err)
}

// changeCertainly is change for a write after which something leaves that must not leave twice. Where the outcome of the commit
// is unknown, that is an error: then nobody has made it.
func (m rooms) changeCertainly(ctx context.Context, tenant enrollment.TenantID, decide func(*change) error) error {
	var err error
	for range attempts {
		if _, err = m.tryChange(ctx, tenant, decide); err == nil || !errors.Is(err, storage.ErrConflict) {
			break
		}
	}
	return err
}

// changeInstallation is change for what belongs to no tenant.
func (m rooms) changeInstallation(ctx context.Context, decide func(*change) error) error {
	return m.change(ctx, "", decide)
}

// tryChange returns the change if it may have happened although there is an error.
func (m rooms) tryChange(ctx context.Context, tenant enrollment.TenantID, decide func(*change) error) (*change, error) {
	c, err := m.newChange(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if err := decide(c); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if err := c.commit(ctx); unknown(err) {
		return c, err
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}

// happened looks whether a commit of unknown outcome has happened: then one of its records is as it wrote it. If others
// have written all of them since, it counts as one that has not, and is decided on what they left.
func (c *change) happened(ctx context.Context) (bool, error) {
	if c == nil {
		return false, nil
	}
	for _, put := range c.write.Put {
		rec, err := c.store.Get(ctx, put.RecordKey)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if rec.Version > put.Version && bytes.Equal(rec.Data, put.Data) {
			return true, nil
		}
	}
	return false, nil
}

// prepare completes the write: what has moved is put, what was only read is held.
func (c *change) prepare(ctx context.Context) error {
	for _, s := range c.serversSeen.seen {
		c.judge(subjectOf(s))
	}
	if err := c.serversSeen.prepare(ctx, &c.write); err != nil {
		return err
	}
	if err := c.renewalsSeen.prepare(ctx, &c.write); err != nil {
		return err
	}
	for _, p := range c.pushesSeen.seen {
		c.judge(subjectOf(p))
	}
	if err := c.pushesSeen.prepare(ctx, &c.write); err != nil {
		return err
	}
	if err := c.pushRunsSeen.prepare(ctx, &c.write); err != nil {
		return err
	}
	for _, shelf := range []interface {
		prepare(ctx context.Context, w *storage.Write) error
	}{
		c.proposalsSeen, c.plansSeen, c.gatesSeen, c.wavesSeen, c.batchesSeen, c.movesSeen, c.devicesSeen, c.udidsSeen, c.postsSeen,
	} {
		if err := shelf.prepare(ctx, &c.write); err != nil {
			return err
		}
	}
	if err := addAll(ctx, &c.write, c.ledgers, c.ledgersSeen); err != nil {
		return err
	}
	if err := addAll(ctx, &c.write, c.switches, c.switchesSeen); err != nil {
		return err
	}
	if err := addAll(ctx, &c.write, c.services, c.servicesSeen); err != nil {
		return err
	}
	if err := addAll(ctx, &c.write, c.recipients, c.recipientsSeen); err != nil {
		return err
	}
	if err := add(ctx, &c.write, c.tenants, c.tenant); err != nil {
		return err
	}
	return add(ctx, &c.write, c.installations, c.whole)
}

// commit does nothing if nothing moved.
func (c *change) commit(ctx context.Context) error {
	if len(c.write.Put) == 0 && len(c.write.Delete) == 0 {
		return nil
	}
	if err := c.store.Commit(ctx, c.write); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func add[T any](ctx context.Context, w *storage.Write, repo *storage.Repo[T], t *tracked[T]) error {
	if t == nil {
		return nil
	}
	if !t.moved {
		w.Hold = append(w.Hold, t.Ref())
		return nil
	}
	rec, err := repo.Encode(ctx, t.Item)
	if err != nil {
		return err
	}
	if rec.Wake.Before(t.leased) && !rec.Wake.IsZero() {
		rec.Wake = storage.Instant(t.leased)
	}
	w.Put = append(w.Put, rec)
	return nil
}
