package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// groups are the states of devices as one looks at them from afar.
var groups = []struct {
	name   string
	states []migration.MoveState
}{
	{"waiting", []migration.MoveState{migration.MoveQueued}},
	{"assigning", []migration.MoveState{migration.MoveAssigning, migration.MoveSeeking, migration.MoveProfiling, migration.MoveReading}},
	{"to migrate", []migration.MoveState{migration.MoveMigrating}},
	{"to wipe", []migration.MoveState{migration.MoveTurn}},
	{"wiped", []migration.MoveState{migration.MoveWiping, migration.MoveAnswer, migration.MoveUnlocking, migration.MoveReturning}},
	{"arrived", []migration.MoveState{migration.MoveEnrolled, migration.MoveReassigned}},
	{"for hands", []migration.MoveState{
		migration.MoveHands, migration.MoveOutstanding, migration.MoveReturned, migration.MoveFailed, migration.MoveSkipped,
		migration.MoveCancelling, migration.MoveCancelled,
	}},
}

// grouped counts devices by group.
func grouped(counts map[migration.MoveState]int) []int {
	out := make([]int, len(groups))
	for i, g := range groups {
		for _, state := range g.states {
			out[i] += counts[state]
		}
	}
	return out
}

// shower shows how far a plan is while time passes.
type shower interface {
	counts(now time.Time, byState map[migration.MoveState]int)
	stop()
}

// newProgress shows bars on a terminal, and elsewhere a line for each day on which something moved.
func (s *story) newProgress() shower {
	if s.terminal {
		return newBars(s)
	}
	return &lines{story: s, next: s.calendar.Now().Truncate(day).Add(day)}
}

// bars are one for each group.
type bars struct {
	*story
	writer progress.Writer
	each   []*progress.Tracker
	ended  chan struct{}
}

func newBars(s *story) *bars {
	b := &bars{story: s, writer: progress.NewWriter(), ended: make(chan struct{})}
	b.writer.SetOutputWriter(s.w)
	b.writer.SetTrackerPosition(progress.PositionRight)
	b.writer.SetTrackerLength(40)
	b.writer.SetMessageLength(12)
	b.writer.SetUpdateFrequency(100 * time.Millisecond)
	style := progress.StyleBlocks
	style.Visibility.Time, style.Visibility.Percentage, style.Visibility.ETA = false, false, false
	style.Options.Separator = " "
	b.writer.SetStyle(style)
	for _, g := range groups {
		tracker := &progress.Tracker{Message: "  " + g.name, Total: 1, AutoStopDisabled: true}
		b.each = append(b.each, tracker)
		b.writer.AppendTracker(tracker)
	}
	go func() {
		defer close(b.ended)
		b.writer.Render()
	}()
	return b
}

func (b *bars) counts(now time.Time, byState map[migration.MoveState]int) {
	all := 0
	for _, n := range byState {
		all += n
	}
	for i, n := range grouped(byState) {
		b.each[i].UpdateTotal(int64(max(all, 1)))
		b.each[i].SetValue(int64(n))
	}
	b.writer.SetPinnedMessages("  " + b.since(now))
}

// stop leaves the last picture. That the bars have begun to be drawn is not certain, so they are told until they hear.
func (b *bars) stop() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		b.writer.Stop()
		select {
		case <-b.ended:
			return
		case <-tick.C:
		}
	}
}

// since says which day of the plan it is.
func (s *story) since(now time.Time) string {
	return fmt.Sprintf("day %d, %s", int(now.Sub(s.began)/day)+1, now.Format("Mon 2 Jan 15:04"))
}

// lines are few: one for each day on which something moved.
type lines struct {
	*story
	next time.Time
	last string
}

func (l *lines) counts(now time.Time, byState map[migration.MoveState]int) {
	if now.Before(l.next) {
		return
	}
	l.next = now.Truncate(day).Add(day)
	var parts []string
	for i, n := range grouped(byState) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", groups[i].name, n))
		}
	}
	if text := strings.Join(parts, ", "); text != l.last {
		l.say("    %s: %s", l.since(now), text)
		l.last = text
	}
}

func (*lines) stop() {}
