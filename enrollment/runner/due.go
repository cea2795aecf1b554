package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Due says how much of what is due one call of RunDue does.
type Due struct {
	Limit int      // records at most, 1 to 1000; zero: 100. They are read, stepped and written together
	Kinds []string // of these kinds only; empty: all of [Kinds]
	// Shard is a part of the tenants, so that a slow one holds up its own part only; zero: all of them. More and Next may
	// tell of others.
	Shard storage.Shard
}

// Ran is what one call of RunDue did.
type Ran struct {
	Claimed int       // records that were worked on
	Failed  int       // of these, records that could not be; the log says why, and they are due again after the lease
	More    bool      // more is due now: call again at once
	Next    time.Time // when something is due next, if nothing is now; zero: never
}

// Kinds returns the kinds of records that become due.
func Kinds() []string {
	return []string{
		KindRenewal, KindServer, KindPushRenewal, KindPush, KindProposal, KindPlan, KindWave, KindBatch, KindMove,
	}
}

// RunDue does what is due: probes, reminders, checks and retries. Call it from a cron job, a queue or a loop, on any number
// of machines; calls may overlap, fail, come late or twice. One bad record never stops the others.
//
// What the store is asked for does not grow with the number of records: they are claimed together, what is about them is read
// together, and what their machines decide is written together. Only what is done outside is done for each by itself,
// Config.Workers at once.
//
// What it does may make other records due, which the next call takes: whoever has no time to lose calls again until nothing is
// claimed, as [Runner.Run] does. A wipe leaves only within [enrollment.Policy.WipeFreshFor] of its device's confirmation, so
// call every minute or so while devices move; every quarter of an hour none would ever leave.
//
// Where more is due than it takes, half of what it takes is left to servers, push certificates and their renewals, which are also
// begun first: however many devices move, no renewal waits for more of them than that. (A Limit of 1 has no half: the oldest.)
//
// It takes no longer than a lease, and ends early with the context: what was claimed and not begun is given back.
func (r *Runner) RunDue(ctx context.Context, d Due) (Ran, error) {
	orElse(&d.Limit, 100)
	if err := validLimit(d.Limit); err != nil {
		return Ran{}, err
	}
	if d.Shard.Validate() != nil {
		return Ran{}, invalid("shard", fmt.Sprintf("an index from 0 on, below the number of shards, which is %d at most", storage.MaxShards))
	}
	if len(d.Kinds) == 0 {
		d.Kinds = Kinds()
	}
	claimed, err := r.claim(ctx, d)
	if err != nil {
		return Ran{}, asProblem(err)
	}
	ran := Ran{Claimed: len(claimed.Records), More: claimed.More, Next: claimed.Next}
	if ran.Claimed == 0 {
		return ran, ctx.Err()
	}
	within, cancel := context.WithTimeout(ctx, r.cfg.Lease)
	defer cancel()
	s := newShift(r, claimed)
	s.run(within, claimed.Now)
	for _, e := range s.all {
		if e.err != nil {
			r.log.ErrorContext(ctx, "a record could not be worked on", "record", e.key.String(), "error", e.err)
			ran.Failed++
		}
	}
	return ran, ctx.Err()
}

// giveBack has claimed records due when their values say.
func (r *Runner) giveBack(all ...*errand) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	back := make([]*errand, 0, len(all))
	for _, e := range all {
		back = append(back, &errand{key: e.key, until: e.until})
	}
	r.together(ctx, newNearby(r.store), time.Time{}, back, (*errand).giveBack)
	if i := slices.IndexFunc(back, func(e *errand) bool { return e.err != nil }); i >= 0 {
		r.log.Warn("a record was not given back; it is due again after its lease", "record", back[i].key.String(), "error", back[i].err)
	}
}

// Run calls RunDue until the context ends: whenever something is due, and at least every so often (zero: a minute), because
// other processes may have made something due. Its error is the context's.
func (r *Runner) Run(ctx context.Context, every time.Duration) error {
	orElse(&every, time.Minute)
	for ctx.Err() == nil {
		ran, err := r.RunDue(ctx, Due{})
		if err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "nothing could be claimed", "error", err)
		}
		if ran.Failed < ran.Claimed {
			continue // what was done may have made more due: a plan tells its devices of a kill switch, and they recall their wipes
		}
		wait := every
		if now, err := r.now(ctx); err == nil && !ran.Next.IsZero() {
			wait = min(wait, max(ran.Next.Sub(now), time.Second))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return context.Cause(ctx)
}
