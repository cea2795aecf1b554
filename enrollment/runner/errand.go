package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// feed gives the result of an effect to the machine as it stands then.
type feed func(ctx context.Context, c *change) error

// errand is one claimed record in the hands of a worker.
type errand struct {
	key    storage.RecordKey
	until  time.Time           // the end of its lease
	rounds int                 // how often its machine was told something
	tell   feed                // the result that its machine hears of next; nil: time has passed
	due    []enrollment.Effect // what is to be done, once the write is there
	reads  []storage.RecordKey // what the first of these will read
	err    error               // why it is not worked on any more
}

// errLost says that whoever worked on a record is gone.
var errLost = errors.New("runner: nobody came back from the work on it")

// step lets the machine of the record hear what it is to hear, as part of a write, and finds out what is to be done next.
func (e *errand) step(ctx context.Context, c *change) error {
	e.due, e.reads = nil, nil
	j, err := c.job(ctx, e.key)
	if err != nil {
		return err
	}
	if e.tell == nil {
		err = j.tick(ctx)
	} else {
		err = e.tell(ctx, c)
	}
	if err != nil {
		return err
	}
	e.due = j.due()
	switch {
	case len(e.due) == 0:
		j.record.keep(e.until, time.Time{})
		return nil
	case e.rounds > 0 || *j.moved:
		j.record.keep(e.until, e.until)
	} // else the claim has leased the record just as it is, and a write would only cost time
	if j.reads != nil {
		e.reads = j.reads(e.due[0])
	}
	return nil
}

// giveBack makes the record due when its value says, so that nobody waits for the end of a lease that nobody needs.
func (e *errand) giveBack(ctx context.Context, c *change) error {
	j, err := c.job(ctx, e.key)
	if err == nil {
		j.record.keep(e.until, time.Time{})
	}
	return err
}

func (e *errand) tenant() enrollment.TenantID { return enrollment.TenantID(e.key.Tenant) }

// again reports whether there is another effect to be done now, and for how often one record is worked on at once.
func (e *errand) again() bool { return e.err == nil && len(e.due) > 0 && e.rounds < maxEffects }

// guarded does something for a record. A port of the host's may panic; that must not end what is done for others.
func guarded(k storage.RecordKey, do func() error) (err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("working on %v: panic: %v", k, trouble)
		}
	}()
	return do()
}
