package portal_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/portal"
)

// everyMove calls f with every guide that gives devices to another service.
func everyMove(t *testing.T, f func(t *testing.T, g portal.Guide)) {
	t.Helper()
	every(t, portal.Options{Server: "New MDM", Devices: "devices.csv"}, func(t *testing.T, g portal.Guide) {
		if g.Task == portal.Assign || g.Task == portal.Migrate {
			f(t, g)
		}
	})
}

func step(t *testing.T, g portal.Guide, name string) portal.Step {
	t.Helper()
	i := slices.IndexFunc(g.Steps, func(s portal.Step) bool { return string(s.ID) == string(g.Task)+"."+name })
	require.GreaterOrEqual(t, i, 0, name)
	return g.Steps[i]
}

// Assigning devices again to the service that has them takes their profile away: whoever chooses one is warned there.
func TestPain35_NotToTheSameServiceAgain(t *testing.T) {
	everyMove(t, func(t *testing.T, g portal.Guide) {
		s := step(t, g, "choose_service")
		assert.Equal(t, "Choose “New MDM”.", s.Text)
		require.NotNil(t, s.Warning)
		assert.Equal(t, portal.NoteID("warn.same_service"), s.Warning.ID)
	})
}

// A device that is erased too early sets itself up unmanaged.
func TestPain36_NoEraseBeforeTheProfile(t *testing.T) {
	everyMove(t, func(t *testing.T, g portal.Guide) {
		assert.Contains(t, g.Text(), "Do not erase a device before this program says that its enrollment profile is assigned")
	})
}

// Who assigns devices needs another permission than who manages services (Apple, "Migrate devices to a new management
// service", 2026).
func TestWhoAssignsDevices(t *testing.T) {
	everyMove(t, func(t *testing.T, g portal.Guide) {
		want := map[portal.Product]string{
			portal.Business: "Administrator or Device Enrollment Manager", portal.School: "Administrator, Site Manager or Device Enrollment Manager",
		}[g.Product]
		if g.Product == portal.Business && g.Generation == portal.Generation2026 {
			want = "Organization Administrator, or any role with the permission to assign devices to services"
		}
		assert.Equal(t, want, g.Role.String())
		assert.Contains(t, step(t, g, "sign_in").Text, want)
	})
}

// Labels that nobody's text has are not made up: the sentence says what to look for.
func TestUnknownLabelsAreNotMadeUp(t *testing.T) {
	everyMove(t, func(t *testing.T, g portal.Guide) {
		newest := g.Product == portal.Business && g.Generation == portal.Generation2026
		assert.Equal(t, newest, len(step(t, g, "choose_action").Path) > 0)
		if newest {
			assert.Equal(t, "Choose Assign Device Management.", step(t, g, "choose_action").Text)
			assert.Contains(t, g.Text(), "which may be worded otherwise: Inventory, Assign Device Management, Continue.")
			return
		}
		assert.Contains(t, step(t, g, "choose_action").Text, "Choose what changes the ")
		assert.NotContains(t, g.Text(), "The labels are from")
		for _, s := range g.Steps {
			assert.NotContains(t, s.Text, "{path}")
			assert.NotContains(t, s.Text, " .")
		}
	})
}

// The two ways differ in the deadline alone.
func TestADeadlineMakesItAMigration(t *testing.T) {
	assign, err := portal.Steps(portal.Assign, portal.Options{})
	require.NoError(t, err)
	migrate, err := portal.Steps(portal.Migrate, portal.Options{})
	require.NoError(t, err)
	deadline := step(t, migrate, "set_deadline")
	assert.Contains(t, deadline.Text, "more than one day and less than 90 days ahead")
	assert.Len(t, migrate.Steps, len(assign.Steps)+1)
	assert.Contains(t, assign.Text(), "Nothing happens on a device that is set up")
	assert.Contains(t, migrate.Text(), "iOS, iPadOS or macOS 26 or later")
	assert.NotContains(t, assign.Text(), "deadline")
	assert.Equal(t, "devices.csv", func() string {
		g, err := portal.Steps(portal.Assign, portal.Options{Devices: "devices.csv"})
		require.NoError(t, err)
		assert.Contains(t, g.Steps[0].Text, "the list of serial numbers “devices.csv”")
		return g.Args["devices"]
	}())
}
