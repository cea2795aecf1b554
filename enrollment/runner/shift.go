package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

const (
	// tellAfter is how long the result of an effect waits for others, to be written together with them.
	tellAfter = 200 * time.Millisecond
	// tellLast is how long it may take to write the results that are there when the time is over.
	tellLast = 5 * time.Second
)

// shift is the work on the records of one claim.
type shift struct {
	r      *Runner
	reader *Runner // the same, over what is nearby
	near   *nearby
	all    []*errand

	waiting []*errand // for their effect to be done
	running int       // effects
	done    chan *errand
	results []*errand // whose machines are to be told
	late    <-chan time.Time
	back    []*errand // that the end of the context interrupted
}

func newShift(r *Runner, claimed storage.Claimed) *shift {
	s := &shift{r: r, near: newNearby(r.store), done: make(chan *errand)}
	s.near.learn(claimed.Records...)
	for _, rec := range claimed.Records {
		s.all = append(s.all, &errand{key: rec.RecordKey, until: claimed.Now.Add(r.cfg.Lease)})
	}
	reader := *r
	reader.rooms = newRooms(s.near, r.sealer, r.lease, r.account)
	s.reader = &reader
	return s
}

// run lets time pass for all records, and does what is due then, until nothing is or the context ends.
func (s *shift) run(ctx context.Context, now time.Time) {
	if ctx.Err() != nil {
		s.r.giveBack(s.all...)
		return
	}
	s.tell(ctx, now, s.all)
	for ctx.Err() == nil && (s.running > 0 || len(s.waiting) > 0 || len(s.results) > 0) {
		for len(s.waiting) > 0 && s.running < s.r.cfg.Workers {
			s.begin(ctx, s.waiting[0])
			s.waiting = s.waiting[1:]
		}
		if s.running == 0 {
			s.tellResults(ctx)
			continue
		}
		select {
		case e := <-s.done:
			s.took(ctx, e)
		case <-s.late:
			s.tellResults(ctx)
		}
	}
	s.end(ctx)
}

// begin does an effect beside others.
func (s *shift) begin(ctx context.Context, e *errand) {
	s.running++
	e.err = errLost
	go func() {
		defer func() { s.done <- e }() // however it ends
		if s.r.perform(ctx, s.reader, e); e.err == nil && leads(e.key) {
			s.r.alone(ctx, s.near, e, nil, (*errand).step)
		}
	}()
}

// took takes a record back, whose effect is done.
func (s *shift) took(ctx context.Context, e *errand) {
	s.running--
	switch {
	case e.err != nil:
		s.failed(ctx, e)
	case !leads(e.key):
		s.results = append(s.results, e)
		if s.late == nil {
			s.late = time.After(tellAfter)
		}
	case e.again():
		s.waiting = append(s.waiting, e)
	}
}

// failed notes a record that the end of the context interrupted. Others stay leased: what failed now will fail in a moment.
func (s *shift) failed(ctx context.Context, e *errand) {
	if ctx.Err() != nil {
		s.back = append(s.back, e)
	}
}

func (s *shift) tellResults(ctx context.Context) {
	results := s.results
	s.results, s.late = nil, nil
	s.tell(ctx, time.Time{}, results)
}

// tell has machines hear what they are to hear, and finds out what is to be done next.
func (s *shift) tell(ctx context.Context, now time.Time, some []*errand) {
	s.r.together(ctx, s.near, now, some, (*errand).step)
	var reads []storage.RecordKey
	for _, e := range some {
		switch {
		case e.err != nil:
			s.failed(ctx, e)
		case e.again():
			s.waiting = append(s.waiting, e)
			reads = append(reads, e.reads...)
		}
	}
	if err := s.near.fetch(ctx, reads); err != nil {
		s.r.log.WarnContext(ctx, "records are read one by one", "error", err)
	}
}

// end is what is left to do when the work, or the time for it, is over: results that are there are written, and what was not
// done is given back.
func (s *shift) end(ctx context.Context) {
	for s.running > 0 {
		s.took(ctx, <-s.done)
	}
	if ctx.Err() == nil {
		return
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellLast)
	defer cancel()
	s.tellResults(after)
	if back := append(s.back, s.waiting...); len(back) > 0 {
		s.r.giveBack(back...)
	}
}
