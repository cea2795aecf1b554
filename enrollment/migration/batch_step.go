package migration

import (
	"slices"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// BatchTransition is what one step of a batch gives.
type BatchTransition struct {
	Batch Batch
	Moved bool
	Audit []enrollment.AuditFact // to be appended to the plan's history
	// Post is the call about assignments that this step granted. Whoever has stored the step makes it at once, and tells the
	// batch by [Posted]; nobody else does. Apple has no idempotency key, and a call that comes twice takes profiles away.
	Post *enrollment.Effect
	// News are what the batch's moves learn by the step. They are told first, in as many writes as is convenient, and then the
	// batch is stored; after a crash in between they are told again, which does no harm.
	News []News
}

// Step takes one event. It never changes b. The error is a [*TransitionError], and only for what a person asked.
func (b Batch) Step(p enrollment.Policy, now time.Time, ev BatchEvent) (BatchTransition, error) {
	s := batchStep{Batch: b, policy: p, now: outbox.Instant(now)}
	s.Devices = slices.Clone(b.Devices)
	moved, err := s.take(ev)
	if err != nil || !moved {
		return BatchTransition{Batch: b}, err
	}
	s.Revision++
	return s.transition(), nil
}

// batchStep is a transition in the making.
type batchStep struct {
	Batch
	policy enrollment.Policy
	now    time.Time
	given  BatchTransition
}

func (s *batchStep) transition() BatchTransition {
	s.given.Batch, s.given.Moved = s.Batch, true
	return s.given
}

func (s *batchStep) take(ev BatchEvent) (moved bool, err error) {
	switch ev := ev.(type) {
	case BatchNotified:
		s.Pending, moved = s.Pending.Notified(s.now, ev.Result)
		return moved, nil
	case BatchRechecked:
		return s.recheck(ev)
	}
	if !s.Live() {
		return false, nil
	}
	switch ev := ev.(type) {
	case Looked:
		return s.looked(ev), nil
	case PostSpent:
		return s.postSpent(ev), nil
	case Posted:
		return s.posted(ev), nil
	case ActivityAsked:
		return s.activityAsked(ev), nil
	case ProfilesAssigned:
		return s.profilesAssigned(ev), nil
	case BatchHeld:
		return s.hold(), nil
	case BatchResumed:
		return s.resume(), nil
	case BatchClosed:
		if s.Kind == enrollment.CancelMigration {
			return false, nil
		}
		s.end(BatchCancelled)
		return true, nil
	case BatchTicked:
		return s.tick(), nil
	}
	return false, nil
}

// enter goes to a live state; what the one before was waiting for is forgotten.
func (s *batchStep) enter(state BatchState) {
	s.State, s.DueAt = state, time.Time{}
	s.Pending = s.Pending.Without(func(x enrollment.Effect) bool { return x.Kind != enrollment.SendNotice })
	if state != BatchByHand {
		s.quiet()
	}
}

// want adds an effect under the next deterministic ID, to be done after some time.
func (s *batchStep) want(kind enrollment.EffectKind, after time.Duration) {
	s.Seq++
	s.Pending = s.Pending.Wanted(s.ID, s.Seq, s.now.Add(after), enrollment.Effect{Kind: kind})
}

func (s *batchStep) again(x enrollment.Effect, r enrollment.Result, base, most time.Duration) bool {
	s.Pending = s.Pending.Replaced(x.Again(s.now, r.RetryAfter, base, most))
	return true
}

func (s *batchStep) pending(r enrollment.Result, kind enrollment.EffectKind) (enrollment.Effect, bool) {
	return s.Pending.Answered(r, kind)
}

// news tells devices in a stage something.
func (s *batchStep) news(stage BatchStage, ev MoveEvent) {
	for _, serial := range s.of(stage) {
		s.given.News = append(s.given.News, News{Serial: serial, Event: ev})
	}
}

func (s *batchStep) set(from, to BatchStage) {
	for i := range s.Devices {
		if s.Devices[i].Stage == from {
			s.Devices[i].Stage = to
		}
	}
}

// end goes to a resting state.
func (s *batchStep) end(state BatchState) {
	s.enter(state)
	s.EndedAt, s.LapseAt, s.Held = s.now, time.Time{}, false
}

// lapse ends with what there is: the devices that did not come so far hear that.
func (s *batchStep) lapse() {
	if s.Kind == enrollment.CancelMigration {
		s.news(StageMissing, DeadlineCancelled{Outcome: enrollment.Fatal, Reason: "it stayed"})
	} else {
		s.news(StageMissing, AssignResult{Batch: s.ID, Outcome: enrollment.Fatal, Reason: "the new service never showed it"})
		for _, stage := range []BatchStage{StageSeen, StageGiven} {
			s.news(stage, ProfileResult{Outcome: enrollment.Fatal, Reason: "the new service never showed it"})
		}
	}
	for _, stage := range []BatchStage{StageMissing, StageSeen, StageGiven} {
		s.set(stage, StageRefused)
	}
	s.end(BatchDone)
}

func (s *batchStep) tick() bool {
	switch {
	case !s.now.Before(s.LapseAt):
		s.lapse()
	case !s.DueAt.IsZero() && !s.now.Before(s.DueAt):
		// Whoever was to make the call may have, and not come to say so; or Apple takes too long. Only looking tells.
		s.asked(enrollment.Unknown)
	case !s.RemindAt.IsZero() && !s.now.Before(s.RemindAt):
		s.notify()
	default:
		return false
	}
	return true
}

func (s *batchStep) hold() bool {
	if s.Held || s.Kind == enrollment.CancelMigration {
		return false
	}
	s.Held = true
	s.Pending = s.Pending.WithoutKind(enrollment.SpendPost)
	return true
}

func (s *batchStep) resume() bool {
	if !s.Held {
		return false
	}
	s.Held = false
	if s.State == BatchAwaiting {
		s.want(enrollment.SpendPost, 0)
	}
	return true
}

func (s *batchStep) recheck(ev BatchRechecked) (bool, error) {
	if _, looking := s.owed().Of(enrollment.LookUp); !s.Live() || !looking {
		return false, refuse(string(s.State), ev.Name(), "There is nothing to look for now")
	}
	s.Pending = s.Pending.Hurried(enrollment.LookUp, s.now)
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(enrollment.ActRechecked, ev.By, "batch", s.ID))
	return true, nil
}

// notify tells a person that devices wait to be assigned by hand, and reminds them.
func (s *batchStep) notify() {
	s.Notified, s.RemindAt = true, s.now.Add(s.policy.RemindWaiting)
	s.sendNotice(enrollment.NewProblem(enrollment.CodeAssignByHand, "devices", strconv.Itoa(s.Count(StageMissing))))
}

func (s *batchStep) quiet() {
	s.RemindAt = time.Time{}
	if s.Notified {
		s.Notified = false
		s.sendNotice(nil)
	}
}

// sendNotice sends a problem, or the word that it is over.
func (s *batchStep) sendNotice(problem *enrollment.Problem) {
	s.Pending = s.Pending.WithoutKind(enrollment.SendNotice)
	s.Seq++
	s.Pending = s.Pending.Wanted(s.ID, s.Seq, s.now, enrollment.Effect{
		Kind: enrollment.SendNotice, Notice: planNotice(s.Plan, s.ID, s.Seq, s.Tenant, s.Route.To, problem, s.now),
	})
}
