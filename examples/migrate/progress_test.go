package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// No device is lost between the bars, and none is in two of them.
func TestEachStateIsInOneGroup(t *testing.T) {
	for _, state := range migration.MoveStates() {
		sum := 0
		for _, n := range grouped(map[migration.MoveState]int{state: 3}) {
			sum += n
		}
		assert.Equal(t, 3, sum, state)
	}
}

// A file gets a line for a day, and none for a day on which nothing moved.
func TestLinesAreFew(t *testing.T) {
	var out bytes.Buffer
	began := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s := &story{w: &out, began: began, stage: &stage{calendar: appletest.NewCalendar(began)}}
	show := s.newProgress()
	for i := range 96 { // four days
		queued := 3
		if i >= 24 {
			queued = 2
		}
		show.counts(began.Add(time.Duration(i)*time.Hour), map[migration.MoveState]int{
			migration.MoveQueued: queued, migration.MoveEnrolled: 3 - queued,
		})
	}
	show.stop()
	assert.Equal(t, []string{
		"    day 1, Wed 25 Nov 00:00: waiting 3",
		"    day 2, Thu 26 Nov 00:00: waiting 2, arrived 1",
		"",
	}, strings.Split(out.String(), "\n"))
}
