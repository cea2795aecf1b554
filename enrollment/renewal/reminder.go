package renewal

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

const (
	day = 24 * time.Hour
	// weekly is the distance of reminders after an expiry, in days.
	weekly = 7
	// unreminded is a level before any other.
	unreminded = 1 << 16
)

// reminderLevel returns the level, in days, that an expiry has reached, and when it reaches the next one. Levels are days
// before the expiry and fall; after it they go on by the week: 0, -7, -14, ...
func reminderLevel(levels []int, expires, now time.Time) (level int, next time.Time) {
	left := expires.Sub(now)
	if left <= 0 {
		weeks := int(-left / (weekly * day))
		next = expires.Add(time.Duration(weeks+1) * weekly * day)
		if !next.After(now) {
			next = now.Add(weekly * day) // so long ago that durations do not reach it
		}
		return -weekly * weeks, next
	}
	level, next = unreminded, expires
	for _, days := range levels {
		reached := expires.Add(-time.Duration(days) * day)
		if now.Before(reached) {
			return level, reached
		}
		level = days
	}
	return level, next
}

// remind fires the present reminder level if it was not fired yet for this credential; levels that passed unseen are not
// made up for. It reports whether anything changed.
func (w *Watch) remind(p enrollment.Policy, now time.Time) bool {
	if w.Expires.IsZero() {
		known := !w.RemindAt.IsZero() // of the credential before
		w.RemindAt = time.Time{}
		return known
	}
	level, next := reminderLevel(p.Reminders, w.Expires, now)
	due := level < w.Reminded
	if due && now.Before(w.QuietUntil) {
		due, next = false, w.QuietUntil
	}
	changed := due || !next.Equal(w.RemindAt)
	w.RemindAt = next
	if due {
		w.Reminded = level
		var problem *enrollment.Problem
		if w.expiredBy(now) {
			problem = w.manner().overdue(date(w.Expires))
		}
		w.open(now, enrollment.NoticeExpiry, level, problem)
	}
	return changed
}

// open sends a notice on the thread of its kind. One that still waits to be sent there is replaced: a person wants the
// newest only.
func (w *Watch) open(now time.Time, kind enrollment.NoticeKind, days int, problem *enrollment.Problem) {
	if !w.isOpen(kind) {
		w.Open = append(w.Open[:len(w.Open):len(w.Open)], kind)
	}
	w.notify(now, enrollment.Notice{Kind: kind, Days: days, Problem: problem})
}

// clear ends the threads of these kinds that are open.
func (w *Watch) clear(now time.Time, kinds ...enrollment.NoticeKind) {
	for _, kind := range kinds {
		if !w.isOpen(kind) {
			continue
		}
		w.Open = slices.DeleteFunc(slices.Clone(w.Open), func(k enrollment.NoticeKind) bool { return k == kind })
		w.notify(now, enrollment.Notice{Kind: kind, Cleared: true})
	}
}

func (w *Watch) notify(now time.Time, n enrollment.Notice) {
	n.Thread, n.Tenant = enrollment.Thread(w.Subject, n.Kind), w.Tenant
	w.manner().address(&n, w.Subject)
	n.ExpiresAt, n.At = w.Expires, now
	n.ID = string(enrollment.NewEffectID(w.Subject, w.Seq+1, enrollment.SendNotice))
	w.Pending = w.Pending.Without(func(x enrollment.Effect) bool {
		return x.Notice != nil && x.Notice.Thread == n.Thread
	})
	w.want(enrollment.Effect{Kind: enrollment.SendNotice, Notice: &n}, now)
}
