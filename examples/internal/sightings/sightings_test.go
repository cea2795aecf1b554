package sightings_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

const oldMDM, newMDM enrollment.MDMID = "old", "new"

func kept(t *testing.T) *sightings.Kept {
	t.Helper()
	store := memory.New(time.Now)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	require.NoError(t, err)
	return sightings.New(store, sealer, "sighting")
}

func sighting(mdm enrollment.MDMID, udid, serial string, at time.Time) nanomdm.Sighting {
	return nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{
		Device: enrollment.Device{UDID: udid, Serial: serial}, MDM: mdm, LastSeen: at, Managed: enrollment.Yes,
	}}
}

// What a process that listens has heard, the next one knows: by enrollment ID or serial number, by tenant and MDM.
func TestSightingsAreKept(t *testing.T) {
	s := kept(t)
	when := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	before, now, err := s.Saw(t.Context(), "acme", sighting(oldMDM, "U1", "C02A", when))
	require.NoError(t, err)
	assert.Zero(t, before)
	assert.Equal(t, "C02A", now.Serial)
	before, now, err = s.Saw(t.Context(), "acme", sighting(oldMDM, "U1", "", when.Add(time.Hour)))
	require.NoError(t, err)
	assert.Equal(t, when, before.LastSeen)
	assert.Equal(t, "C02A", now.Serial, "what a message leaves out stays known")

	for _, d := range []enrollment.Device{{UDID: "U1"}, {Serial: "C02A"}} {
		found, err := s.Sighting(t.Context(), "acme", oldMDM, d)
		require.NoError(t, err)
		assert.Equal(t, now, found)
	}
	for _, c := range []struct {
		tenant enrollment.TenantID
		mdm    enrollment.MDMID
		d      enrollment.Device
	}{
		{"beta", oldMDM, enrollment.Device{UDID: "U1"}}, {"acme", newMDM, enrollment.Device{Serial: "C02A"}},
		{"acme", oldMDM, enrollment.Device{}}, {"acme", oldMDM, enrollment.Device{UDID: "U2"}},
	} {
		_, err := s.Sighting(t.Context(), c.tenant, c.mdm, c.d)
		require.ErrorIs(t, err, enrollment.ErrNoDevice)
	}
	_, _, err = s.Saw(t.Context(), "acme", sighting(oldMDM, "", "C02B", when))
	require.Error(t, err)

	// It enrolled anew under another ID: its serial number leads there.
	_, _, err = s.Saw(t.Context(), "acme", sighting(oldMDM, "U9", "C02A", when.Add(2*time.Hour)))
	require.NoError(t, err)
	found, err := s.Sighting(t.Context(), "acme", oldMDM, enrollment.Device{Serial: "C02A"})
	require.NoError(t, err)
	assert.Equal(t, "U9", found.UDID)
}

// Two that write about one device at the same moment lose nothing of each other.
func TestSightingsAreJoinedOneAfterTheOther(t *testing.T) {
	s := kept(t)
	when := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			seen := sighting(oldMDM, "U1", "", when.Add(time.Duration(i)*time.Second))
			switch i {
			case 0:
				seen.Supervised = enrollment.Yes
			case 1:
				seen.AppleSilicon = enrollment.Yes
			}
			_, _, err := s.Saw(t.Context(), "acme", seen)
			assert.NoError(t, err, fmt.Sprint(i))
		})
	}
	all.Wait()
	found, err := s.Sighting(t.Context(), "acme", oldMDM, enrollment.Device{UDID: "U1"})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, found.Supervised)
	assert.Equal(t, enrollment.Yes, found.AppleSilicon)
	assert.Equal(t, when.Add(5*time.Second), found.LastSeen)
}
