package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// whatBecomesOfTwelve is how the devices of every kind end.
var whatBecomesOfTwelve = map[migration.MoveState][]string{
	migration.MoveEnrolled:   {"MAC1", "MAC2", "MAC3", "MAC5", "MAC6", "PHONE1", "PHONE2", "PHONE3"},
	migration.MoveHands:      {"MAC4", "MAC7", "PAD1"},
	migration.MoveReassigned: {"THERE1"},
}

// Twelve devices of every kind go to their new service, each in the way that does it least harm.
func TestAPlanMovesEveryDevice(t *testing.T) {
	for name, fresh := range disks {
		t.Run(name, func(t *testing.T) {
			d := fresh(t)
			m := newMover(t, storedOn(d))
			m.twelve()
			m.approved()
			m.live(5*24*time.Hour, m.ended)
			assert.Equal(t, migration.PlanCompleted, m.view().State, "%v", m.view().Waiting)
			assert.Equal(t, whatBecomesOfTwelve, m.states())
			m.harmless()
			d.shut(t)
		})
	}
}

func TestDryRunSaysWhy(t *testing.T) {
	m := newMover(t)
	m.twelve()
	m.clock.Pass(time.Hour)
	ways := map[migration.Strategy]int{}
	for row, err := range m.tenant().DryRun(ctx(t), m.wish(), rows(append(m.serials(), "?", "X99")...)) {
		require.NoError(t, err)
		if row.Problem == nil {
			ways[row.Decision.Strategy]++
			assert.NotEmpty(t, row.Decision.Reasons, row.Device.Serial)
		} else {
			assert.Greater(t, row.Row, 12)
		}
	}
	assert.Equal(t, map[migration.Strategy]int{migration.Wipe: 7, migration.Migrate: 3, migration.Hands: 1, migration.Reassign: 1}, ways)
	page, err := m.tenant().Plans(ctx(t), tech, pageOf(10))
	require.NoError(t, err)
	assert.Empty(t, page.Plans)
}
