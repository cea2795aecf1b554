package migration

import (
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

const (
	// mostPosts is how often the same devices are asked for.
	mostPosts = 2
	// linkWithin is how long after an activity Apple may take to show its devices at the new service; some seconds are usual.
	linkWithin = 30 * time.Minute
	// pollWithin is how long an activity is asked about; minutes are usual.
	pollWithin = 24 * time.Hour
)

// next chooses what the batch does now, by how far its devices have come.
func (s *batchStep) next() {
	missing, seen, given := s.Count(StageMissing), s.Count(StageSeen), s.Count(StageGiven)
	switch {
	case seen > 0:
		s.enter(BatchProfiling)
		s.want(enrollment.AssignProfiles, s.patience())
	case given > 0 && !s.mayPost():
		s.look(BatchChecking, 2*time.Second)
	case missing == 0:
		s.end(BatchDone)
	case s.Manual:
		s.byHand()
	case s.Posts == 0:
		s.await()
	case s.now.Before(s.PostedAt.Add(linkWithin)):
		s.look(BatchReading, 15*time.Second)
	default:
		s.insist()
	}
}

// patience is how long to wait before a profile is assigned that was gone again.
func (s *batchStep) patience() time.Duration {
	if s.Tries == 0 {
		return 0
	}
	return enrollment.Backoff(s.Tries, 10*time.Second, time.Hour)
}

// mayPost reports whether devices are missing that should be asked for now.
func (s *batchStep) mayPost() bool {
	return s.Count(StageMissing) > 0 && !s.Manual &&
		(s.Posts == 0 || s.Posts < mostPosts && !s.now.Before(s.PostedAt.Add(linkWithin)))
}

// insist asks once more for devices that the new service does not show. Those that only change their service are taken from
// the old one first: an assignment over another one is sometimes lost.
func (s *batchStep) insist() {
	switch {
	case s.Posts >= mostPosts:
		s.look(BatchReading, 10*time.Minute)
	case s.Kind == enrollment.AssignDevices && s.Route.From != "" && !s.Undone:
		s.Undoing = true
		s.await()
	default:
		s.await()
	}
}

// await waits for a call in the hour's budget.
func (s *batchStep) await() {
	s.enter(BatchAwaiting)
	if !s.Held {
		s.want(enrollment.SpendPost, 0)
	}
}

// postSpent has the call made, soon or not at all.
func (s *batchStep) postSpent(ev PostSpent) bool {
	x, pending := s.pending(ev.Result, enrollment.SpendPost)
	if !pending || s.State != BatchAwaiting || s.Held {
		return false
	}
	if ev.Outcome != enrollment.OK {
		return s.again(x, ev.Result, time.Minute, time.Hour)
	}
	s.enter(BatchPosting)
	s.DueAt, s.PostedAt = s.now.Add(PostWithin), s.now
	if !s.Undoing {
		s.Posts++
	}
	s.want(enrollment.PostAssignment, 0)
	post := s.Pending[len(s.Pending)-1]
	s.given.Post = &post
	s.given.Audit = append(s.given.Audit, enrollment.NewAuditFact(enrollment.ActBatchPosted, enrollment.Nobody,
		"batch", s.ID, "kind", string(s.kind()), "devices", strconv.Itoa(s.Count(StageMissing))))
	return true
}

// kind is that of the present call.
func (b Batch) kind() enrollment.AssignmentKind {
	if b.Undoing {
		return enrollment.UnassignDevices
	}
	return b.Kind
}

func (s *batchStep) posted(ev Posted) bool {
	x, pending := s.pending(ev.Result, enrollment.PostAssignment)
	if !pending || s.State != BatchPosting {
		return false
	}
	switch {
	case ev.Outcome == enrollment.Retry:
		s.giveBack()
		s.await()
		s.Pending = s.Pending.WithoutKind(enrollment.SpendPost)
		if !s.Held {
			s.want(enrollment.SpendPost, x.Again(s.now, ev.RetryAfter, time.Minute, time.Hour).NotBefore.Sub(s.now))
		}
	case ev.Outcome == enrollment.Fatal && s.Undoing:
		s.undone()
	case ev.Outcome == enrollment.Fatal:
		s.refuseAll(ev.Reason)
		s.next()
	case ev.Outcome != enrollment.OK:
		s.asked(enrollment.Unknown)
	case ev.Activity.State == enrollment.ActivityByHand:
		s.Manual, s.Undoing = true, false
		s.byHand()
	default:
		s.Activity = ev.Activity.ID
		s.told(enrollment.OK)
		s.going(ev.Activity, enrollment.Effect{Attempt: 1})
	}
	return true
}

// giveBack takes a call that was not made for none.
func (s *batchStep) giveBack() {
	if !s.Undoing {
		s.Posts--
	}
}

// told tells the devices that they were asked for.
func (s *batchStep) told(outcome enrollment.Outcome) {
	if !s.Undoing && s.Kind != enrollment.CancelMigration {
		s.news(StageMissing, AssignResult{Batch: s.ID, Outcome: outcome})
	}
}

// refuseAll ends the way of the devices that the call was about.
func (s *batchStep) refuseAll(reason string) {
	if s.Kind == enrollment.CancelMigration {
		s.news(StageMissing, DeadlineCancelled{Outcome: enrollment.Fatal, Reason: reason})
	} else {
		s.news(StageMissing, AssignResult{Batch: s.ID, Outcome: enrollment.Fatal, Reason: reason})
	}
	s.set(StageMissing, StageRefused)
}

// asked looks at the devices after a call of which it is not known how it ended, or of which the end is not awaited any more.
// It may be carried out yet, and an assignment that comes late would take a profile away that was assigned meanwhile: so for
// a while nothing goes on with the devices, also where they are seen.
func (s *batchStep) asked(outcome enrollment.Outcome) {
	s.told(outcome)
	s.DoubtTo = s.now.Add(linkWithin)
	if s.Undoing {
		s.undone()
		return
	}
	s.look(BatchReading, 15*time.Second)
}

// undone goes on with the assignment after the devices were taken from their old service, or that failed.
func (s *batchStep) undone() {
	s.Undoing, s.Undone = false, true
	s.await()
}

// activityAsked follows an activity to its end.
func (s *batchStep) activityAsked(ev ActivityAsked) bool {
	x, pending := s.pending(ev.Result, enrollment.AskActivity)
	switch {
	case !pending || s.State != BatchPolling:
		return false
	case ev.Outcome == enrollment.Fatal:
		s.asked(enrollment.Unknown)
	case ev.Outcome != enrollment.OK:
		return s.again(x, ev.Result, 15*time.Second, 10*time.Minute)
	default:
		s.going(ev.Activity, x)
	}
	return true
}

// going goes on by where an activity stands. That it is completed says nothing of a single device, except that it was refused.
func (s *batchStep) going(a enrollment.Activity, x enrollment.Effect) {
	if !a.State.Ended() {
		if s.State == BatchPolling {
			s.again(x, enrollment.Result{}, 15*time.Second, 5*time.Minute)
			return
		}
		s.enter(BatchPolling)
		s.DueAt = s.now.Add(pollWithin)
		s.want(enrollment.AskActivity, 15*time.Second)
		return
	}
	if s.Undoing {
		s.undone()
		return
	}
	for _, r := range a.Refused {
		i := s.index(r.Serial)
		if i < 0 || s.Devices[i].Stage != StageMissing || r.Outcome != enrollment.Fatal {
			continue
		}
		s.Devices[i].Stage = StageRefused
		var ev MoveEvent = AssignResult{Batch: s.ID, Outcome: enrollment.Fatal, Reason: r.Reason}
		if s.Kind == enrollment.CancelMigration {
			ev = DeadlineCancelled{Outcome: enrollment.Fatal, Reason: r.Reason}
		}
		s.given.News = append(s.given.News, News{Serial: r.Serial, Event: ev})
	}
	s.PostedAt = s.now // from now on the new service should show them
	s.next()
}
