package nanomdm

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/abmrenew/abmrenew/enrollment"
)

// MemorySightings keep what devices told as long as the process lasts.
type MemorySightings struct {
	mu       sync.Mutex
	most     int
	byUDID   map[place]*list.Element
	bySerial map[place]*list.Element // the one that was heard of last
	recent   *list.List              // of *kept, the one that was heard of last in front
}

var _ Sightings = (*MemorySightings)(nil)

// place is where a device is kept: by its UDID, or its serial number.
type place struct {
	tenant enrollment.TenantID
	mdm    enrollment.MDMID
	name   string
}

type kept struct {
	at, serial place
	sighting   Sighting
}

// DefaultSightings is how many devices [NewMemorySightings] keeps, at about a kilobyte each.
const DefaultSightings = 100_000

// NewMemorySightings makes one for at most that many devices; zero: [DefaultSightings]. When they are more, the device that
// was not heard of for the longest time is forgotten, which holds its wipe back until it is heard of again.
func NewMemorySightings(most int) *MemorySightings {
	if most <= 0 {
		most = DefaultSightings
	}
	return &MemorySightings{most: most, byUDID: map[place]*list.Element{}, bySerial: map[place]*list.Element{}, recent: list.New()}
}

// Saw joins a sighting with what is known.
func (m *MemorySightings) Saw(ctx context.Context, tenant enrollment.TenantID, s Sighting) (before, now Sighting, err error) {
	if err := ctx.Err(); err != nil {
		return Sighting{}, Sighting{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := place{tenant, s.MDM, s.UDID}
	if e, known := m.byUDID[at]; known {
		before = e.Value.(*kept).sighting //nolint:forcetypeassert // nothing else is in the list
		m.remove(e)
	}
	now = before.With(s)
	k := &kept{at: at, sighting: now}
	e := m.recent.PushFront(k)
	m.byUDID[at] = e
	if now.Serial != "" {
		k.serial = place{tenant, s.MDM, now.Serial}
		m.bySerial[k.serial] = e
	}
	for m.recent.Len() > m.most {
		m.remove(m.recent.Back())
	}
	return before, now, nil
}

func (m *MemorySightings) remove(e *list.Element) {
	k := m.recent.Remove(e).(*kept) //nolint:forcetypeassert // nothing else is in the list
	delete(m.byUDID, k.at)
	if m.bySerial[k.serial] == e {
		delete(m.bySerial, k.serial)
	}
}

// Sighting returns what is known of a device.
func (m *MemorySightings) Sighting(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (Sighting, error) {
	if err := ctx.Err(); err != nil {
		return Sighting{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, found := m.byUDID[place{tenant, mdm, d.UDID}]
	if d.UDID == "" {
		e, found = m.bySerial[place{tenant, mdm, d.Serial}]
	}
	if !found || d.UDID == "" && d.Serial == "" {
		return Sighting{}, fmt.Errorf("nanomdm: no message of the device has come by: %w", enrollment.ErrNoDevice)
	}
	return e.Value.(*kept).sighting, nil //nolint:forcetypeassert // nothing else is in the list
}
