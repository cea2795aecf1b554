package nanomdm

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Reader is a [enrollment.DeviceReader] that asks no device anything: it knows what came by in check-ins and answers. So
// reading costs nothing, wakes nobody, and works while the push certificate is expired; what no message told is not known.
type Reader struct {
	sightings Sightings
	now       func() time.Time
}

var _ enrollment.DeviceReader = (*Reader)(nil)

// NewReader makes a reader of sightings. now is the clock of ObservedAt; nil: time.Now.
func NewReader(s Sightings, now func() time.Time) *Reader {
	if now == nil {
		now = time.Now
	}
	return &Reader{s, now}
}

// DeviceFacts returns what is known now. LastSeen says how old it may be.
func (r *Reader) DeviceFacts(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	s, err := r.sightings.Sighting(ctx, tenant, mdm, d)
	if err != nil {
		return enrollment.DeviceFacts{}, err
	}
	s.ObservedAt = r.now().UTC()
	return s.DeviceFacts, nil
}
