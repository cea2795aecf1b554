package main

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage"
)

func sighting(udid, serial string, at time.Time) nanomdm.Sighting {
	return nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{
		MDM: "old", Device: enrollment.Device{UDID: udid, Serial: serial}, Managed: enrollment.Yes, LastSeen: at,
	}}
}

// What a device told one machine, all of them know: by its enrollment ID, and by its serial number.
func TestSightingsAreSharedByAllMachines(t *testing.T) {
	t.Parallel()
	s := shared(t)
	ctx, at := t.Context(), s.clock.Now()
	one, other := sightings.New(s.store, s.host.sealer, kindSighting), sightings.New(s.store, s.host.sealer, kindSighting)
	_, _, err := one.Saw(ctx, "acme", sighting("U1", "C1", at))
	require.NoError(t, err)
	before, now, err := other.Saw(ctx, "acme", sighting("U1", "", at.Add(time.Minute)))
	require.NoError(t, err)
	assert.Equal(t, at, before.LastSeen)
	assert.Equal(t, "C1", now.Serial, "what is not told again stays known")
	_, _, err = one.Saw(ctx, "acme", sighting("U2", "C1", at.Add(time.Hour))) // the device enrolled anew
	require.NoError(t, err)

	for want, asked := range map[string]enrollment.Device{"U1": {UDID: "U1"}, "U2": {Serial: "C1"}} {
		got, err := other.Sighting(ctx, "acme", "old", asked)
		require.NoError(t, err)
		assert.Equal(t, want, got.UDID)
	}
	for _, asked := range []struct {
		tenant enrollment.TenantID
		mdm    enrollment.MDMID
		device enrollment.Device
	}{
		{"acme", "new", enrollment.Device{UDID: "U1"}}, {"other", "old", enrollment.Device{UDID: "U1"}},
		{"acme", "old", enrollment.Device{UDID: "U3"}}, {"acme", "old", enrollment.Device{Serial: "C2"}},
		{"acme", "new", enrollment.Device{Serial: "C1"}}, {"acme", "old", enrollment.Device{}},
	} {
		_, err := other.Sighting(ctx, asked.tenant, asked.mdm, asked.device)
		require.ErrorIs(t, err, enrollment.ErrNoDevice, "%+v", asked)
	}
}

// Messages of a device come to several machines at once; each is joined with the others.
func TestSightingsOfOneMomentAreJoined(t *testing.T) {
	t.Parallel()
	s := shared(t)
	at := s.clock.Now()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			seen := sighting("U1", "", at.Add(time.Duration(i)*time.Second))
			if i == 0 {
				seen.Serial = "C1"
			}
			_, _, err := sightings.New(s.store, s.host.sealer, kindSighting).Saw(t.Context(), "acme", seen)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	got, err := sightings.New(s.store, s.host.sealer, kindSighting).Sighting(t.Context(), "acme", "old", enrollment.Device{UDID: "U1"})
	require.NoError(t, err)
	assert.Equal(t, "C1", got.Serial)
	assert.Equal(t, at.Add(3*time.Second), got.LastSeen)
}

// A wipe compares the device with its sighting, so a sighting that somebody has edited is none.
func TestAnEditedSightingIsNoticed(t *testing.T) {
	t.Parallel()
	s := shared(t)
	kept := sightings.New(s.store, s.host.sealer, kindSighting)
	_, _, err := kept.Saw(t.Context(), "acme", sighting("U1", "C1", s.clock.Now()))
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `UPDATE `+s.schema+`.records SET data = replace(convert_from(data, 'UTF8'), 'C1', 'C9')::bytea, state = 'C9'
		WHERE kind = 'worker_sighting'`)
	require.NoError(t, err)
	for _, asked := range []enrollment.Device{{UDID: "U1"}, {Serial: "C9"}} {
		_, err = kept.Sighting(t.Context(), "acme", "old", asked)
		require.ErrorIs(t, err, storage.ErrDamaged)
	}
}
