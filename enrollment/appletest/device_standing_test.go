package appletest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// What a device is told, and what its services see, are the same thing.
func TestWhereADeviceStands(t *testing.T) {
	w := newShop(t, appletest.Options{})
	w.org.AddDevices(appletest.Device{Serial: "C02", Migrates: true})
	standing := func() appletest.Standing {
		s, ours := w.org.Standing("C02")
		require.True(t, ours)
		return s
	}
	assert.Equal(t, appletest.Standing{Migrates: true}, standing())

	deadline := w.apple.Now().Add(time.Hour)
	require.NoError(t, w.admin.AssignWithDeadline(w.service, deadline, "C02"))
	s := standing()
	assert.Equal(t, w.service, s.Service)
	assert.Equal(t, deadline, s.Deadline)
	assert.Equal(t, appletest.MigrationRequested, s.Migration)
	assert.Empty(t, s.URL(), "it has no profile yet")

	do(t, w.connect(t), "POST", "/profile", `{"profile_name":"n","url":"https://mdm.acme.example/enroll","org_magic":"m","devices":["C02"]}`)
	assert.Equal(t, "https://mdm.acme.example/enroll", standing().URL())

	w.org.EndMigration("C02", true)
	assert.Equal(t, appletest.MigrationSucceeded, standing().Migration)
	w.org.EndMigration("C02", false)
	assert.Equal(t, appletest.MigrationSucceeded, standing().Migration, "it ends once")
	require.NoError(t, w.admin.Assign(w.service, "C02"))
	assert.Empty(t, standing().Migration, "without a deadline nothing migrates")

	require.NoError(t, w.admin.AssignWithDeadline(w.service, deadline, "C02"))
	w.org.EndMigration("C02", false)
	assert.Equal(t, appletest.MigrationFailed, standing().Migration)

	w.org.Release("C02", "UNKNOWN")
	_, ours := w.org.Standing("C02")
	assert.False(t, ours)
	require.ErrorIs(t, w.admin.Assign(w.service, "C02"), appletest.ErrUnknownDevice)
}
