package runner_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// system is everything together: runners over one store, Apple, an old and a new MDM, devices as actors, people, and a network
// that loses, repeats and delays. Everything that happens in it follows from a seed.
type system struct {
	*mover
	seed    uint64
	random  *rand.Rand
	trouble int // of a thousand crossings, how many go wrong
	workers []*machine
	script  []string // what happened, for whoever looks at a counterexample
	begun   time.Time

	facts    []fact
	acts     []act
	active   map[string]*pending
	hands    map[string]int // how often somebody erased a device by hand
	thrown   []span         // while a kill switch was
	approved time.Time
	watch    func(crossing) // sees every crossing
}

// machine is one host that does what is due.
type machine struct {
	life *process
	*runner.Runner
}

// fact is a message of an MDM on its way to the host.
type fact struct {
	at    time.Time
	event enrollment.DeviceEvent
}

// act is what somebody does at some time.
type act struct {
	at   time.Time
	name string
	do   func() error
}

// pending is an assignment that Apple works on.
type pending struct {
	enrollment.AssignmentRequest
	at   time.Time
	done bool
}

type span struct{ from, to time.Time }

func (s *system) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.script = append(s.script, fmt.Sprintf("%8s  %s", s.clock.Now().Sub(s.begun).Truncate(time.Second), line))
}

// one reports whether something happens that happens once in so many times.
func (s *system) one(in int) bool { return s.random.IntN(in) == 0 }

// soon is a time within the next d.
func (s *system) soon(d time.Duration) time.Time {
	return s.clock.Now().Add(time.Duration(s.random.Int64N(int64(d))).Truncate(time.Second))
}

// newSystem makes the world of a seed, with a plan that is approved.
func newSystem(t *testing.T, seed uint64, options ...option) *system {
	t.Helper()
	s := &system{seed: seed, random: rand.New(rand.NewPCG(seed, 7)), active: map[string]*pending{}, hands: map[string]int{}}
	<-time.After(time.Until(newClock().Now())) // a bubble begins in a year that knew no tokens
	s.mover = newMover(t, append([]option{inBubble}, options...)...)
	s.begun = s.clock.Now()
	s.faulty, s.listen, s.assigner = true, s.hear, s
	s.trouble = []int{0, 5, 20, 60}[seed%4]
	s.say("seed %d, %d of a thousand calls go wrong", seed, s.trouble)
	two := enrollment.PolicyChange{Wipes: &enrollment.WipeChange{
		Budget: []enrollment.Allowance{{Most: 2, In: 3 * time.Hour}, {Most: 10, In: 20 * time.Minute}, {Most: 100, In: 24 * time.Hour}},
	}}
	_, err := s.tenant().SetPolicy(ctx(t), tech, two)
	require.NoError(t, err)
	s.old.Change(func(b *fleet.Behavior) {
		b.NoStatus, b.NoRecall, b.KeepsQueue = s.one(3), s.one(3), s.one(3)
		b.PushLost = s.one(5)
		b.LosesAnswers = s.random.IntN(3)
		s.say("the old MDM: %+v", *b)
	})
	for i := range 2 + s.random.IntN(4) {
		s.device(s.draw(i))
	}
	s.device(fleet.Spec{Serial: "MACX"}) // which belongs to no plan
	s.planned()
	s.meddle()
	s.machines(1 + int(seed%3)/2)
	return s
}

// machines has so many of them work.
func (s *system) machines(n int) {
	for len(s.workers) < n {
		w := &machine{}
		s.workers = append(s.workers, w)
		s.rebirth(w)
	}
}

// draw is a device of any sort.
func (s *system) draw(i int) fleet.Spec {
	spec := fleet.Spec{Serial: fmt.Sprintf("MAC%d", i+1), SetUp: time.Duration(5+s.random.IntN(60)) * time.Minute}
	switch s.random.IntN(5) {
	case 0:
		spec.Serial, spec.Family, spec.OS = fmt.Sprintf("PHONE%d", i+1), enrollment.FamilyIPhone, "26.1"
		spec.Migrates = time.Duration(s.random.IntN(26)) * time.Hour
	case 1:
		spec.Manner = []fleet.Manner{fleet.Refuses, fleet.Misreads, fleet.Ignores, fleet.Vanishes, fleet.OnlySays, fleet.Silent, fleet.ErasesAfter}[s.random.IntN(7)]
	case 2:
		spec.OldMac, spec.Locked = s.one(3), s.one(2)
		spec.NoBypassCode = spec.Locked && s.one(3)
	case 3:
		spec.NotNow = s.random.IntN(3)
	}
	if s.one(4) {
		from := s.soon(10 * time.Hour)
		spec.Offline = []fleet.Window{{From: from, Until: from.Add(time.Duration(1+s.random.IntN(20)) * time.Hour)}}
	}
	s.say("device %+v", spec)
	return spec
}

// planned makes the plan, which bob approves.
func (s *system) planned() {
	s.t.Helper()
	s.clock.Pass(time.Hour)
	wish := s.wish()
	if s.seed%7 == 3 {
		s.say("one MDM stands behind both services")
		wish = s.oneMDM()
	}
	s.approvedAs(wish, slices.DeleteFunc(s.serials(), func(serial string) bool { return serial == "MACX" })...)
	s.approved = s.clock.Now()
}

// rebirth begins a new life of a machine.
func (s *system) rebirth(w *machine) {
	w.life = &process{soft: true, fate: s.fate(len(s.workers) > 1)}
	w.Runner = s.born(w.life)
}

// fate lets crossings go wrong, more often those that count.
func (s *system) fate(shared bool) fate {
	return func(c crossing) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.watch != nil {
			s.watch(c)
		}
		odds := s.trouble
		if c.call == "wipe" || c.call == "assign" || c.call == "recall" {
			odds *= 4
		}
		if !c.changes() && c.call != "lookup" || s.random.IntN(1000) >= odds {
			return nil
		}
		when := map[bool]string{true: "after", false: "before"}[c.after]
		switch n := s.random.IntN(4); {
		case n == 0:
			s.say("a process ends %s %s", when, c.call)
			return errKilled
		case n == 1 && c.call == "Commit" && !c.after && shared:
			return fmt.Errorf("%w: by a test", storage.ErrConflict)
		case n == 2 && !c.after && !ofStore(c):
			s.say("%s is put off", c.call)
			return &enrollment.CallError{Outcome: enrollment.Retry, After: time.Duration(s.random.IntN(600)) * time.Second, Err: errLost}
		}
		s.say("%s fails %s", c.call, when)
		return errFault
	}
}

// hear loses, repeats and delays what an MDM tells.
func (s *system) hear(e enrollment.DeviceEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.random.IntN(1000) < 2*s.trouble {
		s.say("lost: %s of %s at %s", e.Kind, e.Serial+e.UDID, e.MDM)
		return
	}
	for range 1 + s.random.IntN(2) {
		at := s.clock.Now()
		if s.random.IntN(1000) < 5*s.trouble {
			at = s.soon(4 * time.Hour)
		}
		s.facts = append(s.facts, fact{at, e})
	}
}

// deliver hands over the messages that have arrived, in any order.
func (s *system) deliver() {
	s.mu.Lock()
	var due []fact
	s.facts = slices.DeleteFunc(s.facts, func(f fact) bool {
		if f.at.After(s.clock.Now()) {
			return false
		}
		due = append(due, f)
		return true
	})
	s.random.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	s.mu.Unlock()
	for _, f := range due {
		_, err := s.tenant().Observe(ctx(s.t), f.event)
		require.NoError(s.t, err)
	}
}

// Assign is Apple, which takes its time.
func (s *system) Assign(_ context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, s.clock.Now())
	id := fmt.Sprintf("act_%d", len(s.active)+1)
	s.active[id] = &pending{AssignmentRequest: r, at: s.soon(25 * time.Minute)}
	s.say("assignment %s: %s %v", id, r.Kind, r.Serials)
	return enrollment.Activity{ID: id, State: enrollment.ActivityRunning}, nil
}

func (s *system) Activity(_ context.Context, _ enrollment.TenantID, id string) (enrollment.Activity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.active[id]
	switch {
	case p == nil:
		return enrollment.Activity{}, enrollment.ErrNoActivity
	case !p.done:
		return enrollment.Activity{ID: id, State: enrollment.ActivityRunning}, nil
	}
	return enrollment.Activity{ID: id, State: enrollment.ActivityCompleted}, nil
}

// apply does what Apple has worked on. That it is completed says nothing of a single device.
func (s *system) apply() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range len(s.active) {
		p := s.active[fmt.Sprintf("act_%d", i+1)]
		if p.done || p.at.After(s.clock.Now()) {
			continue
		}
		p.done = true
		for _, serial := range p.Serials {
			if s.random.IntN(1000) < s.trouble {
				s.say("completed, but not of %s", serial)
				continue
			}
			var err error
			switch p.Kind {
			case enrollment.UnassignDevices:
				err = s.acme.admin.Unassign(serial)
			case enrollment.CancelMigration:
				if standing, _ := s.acme.org.Standing(serial); !standing.Deadline.IsZero() {
					err = s.acme.admin.Assign(s.to.apple, serial)
				}
			default:
				err = s.acme.admin.AssignWithDeadline(s.to.apple, p.Deadline, serial)
			}
			if err != nil {
				s.say("Apple does nothing about %s: %v", serial, err)
			}
		}
	}
}

// problem lets nothing pass but a refusal.
func problem(err error) error {
	if _, told := errors.AsType[*enrollment.Problem](err); told {
		return nil
	}
	if _, told := errors.AsType[*migration.TransitionError](err); told {
		return nil
	}
	return err
}

func (s *system) counterexample() string {
	return fmt.Sprintf("ABMRENEW_WORLD=%d shows it again\n%s", s.seed, strings.Join(s.script, "\n"))
}
