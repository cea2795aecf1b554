package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// some are devices that moved: three that were wiped, of which one is left, and two of other ways.
func some(began time.Time) []migration.Move {
	move := func(serial string, s migration.Strategy, state migration.MoveState, wipes int, d time.Duration) migration.Move {
		return migration.Move{
			Device: enrollment.Device{Serial: serial}, Decision: migration.Decision{Strategy: s}, State: state, Wipes: wipes, EndedAt: began.Add(d),
		}
	}
	left := move("C3", migration.Wipe, migration.MoveHands, 1, 9*day)
	left.Problem = enrollment.NewProblem(enrollment.CodeWipeWithdrawn)
	also := left
	also.Device.Serial = "C4"
	other := move("C9", migration.Hands, migration.MoveHands, 0, day)
	other.Problem = enrollment.NewProblem(enrollment.CodeEraseByHand, "why", "it is a Shared iPad")
	return []migration.Move{
		move("C0", migration.Wipe, migration.MoveEnrolled, 2, 5*day), move("C1", migration.Wipe, migration.MoveEnrolled, 1, 2*day),
		move("C2", migration.Wipe, migration.MoveEnrolled, 1, 1*day), left, also,
		move("C5", migration.Migrate, migration.MoveEnrolled, 0, 4*day), move("C6", migration.Reassign, migration.MoveReassigned, 0, -time.Hour), other,
	}
}

// cells are the rows of a table without its lines.
func cells(text string) (rows []string) {
	for line := range strings.Lines(text) {
		if row := strings.Join(strings.Fields(strings.ReplaceAll(line, "│", " ")), " "); !strings.Contains(row, "─") {
			rows = append(rows, row)
		}
	}
	return rows
}

func TestTheWaysAreCounted(t *testing.T) {
	s := &story{began: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	assert.Equal(t, []string{
		"way devices arrived left median longest wipes",
		"reassigned 1 1 0 0.0 days 0.0 days 0",
		"migrated 1 1 0 4.0 days 4.0 days 0",
		"wiped 5 3 2 2.0 days 5.0 days 6",
		"by hand 1 0 1 0",
		"together 8 5 3 2.0 days 5.0 days 6",
	}, cells(s.ways(some(s.began))))
}

func TestWhatIsLeftStandsTogetherWithWhatToDo(t *testing.T) {
	s := &story{}
	left := strings.Join(cells(s.left(some(s.began))), "\n")
	assert.Contains(t, left, "2 The wipe was withdrawn")
	assert.Contains(t, left, "C3 C4")
	assert.Contains(t, left, "Retry the device when it is online")
	assert.Less(t, strings.Index(left, "C3 C4"), strings.Index(left, "C9"), "the more devices have it, the sooner it is seen")
	assert.NotContains(t, left, "C5")
	assert.Empty(t, s.left(nil))
}
