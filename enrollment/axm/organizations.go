package axm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Organizations moves and shows the devices of the organizations of an installation: it is the [enrollment.Assigner], an
// [enrollment.DeviceLister] and the [enrollment.CertificatePublisher]. Each call goes through the client of the tenant that it
// names. It is safe for concurrent use if the function that it was made with is.
type Organizations struct {
	client func(context.Context, enrollment.TenantID) (*Client, error)
}

var (
	_ enrollment.Assigner             = (*Organizations)(nil)
	_ enrollment.DeviceLister         = (*Organizations)(nil)
	_ enrollment.CertificatePublisher = (*Organizations)(nil)
)

// ErrNoAccount says that a tenant has no API account. Where a function of the host's returns it, devices are assigned by a
// person at the portal ([enrollment.ActivityByHand]).
var ErrNoAccount = errors.New("axm: the tenant has no API account")

// NewOrganizations makes them of clients that the host keeps itself; [OrganizationsFor] keeps them for it. client returns the
// client of a tenant, the same one again each time, because each has a token of its own. Its error may be [ErrNoAccount], or an
// [enrollment.CallError]; any other is worth another attempt.
func NewOrganizations(client func(context.Context, enrollment.TenantID) (*Client, error)) *Organizations {
	return &Organizations{client}
}

// Assign implements [enrollment.Assigner].
func (o *Organizations) Assign(ctx context.Context, r enrollment.AssignmentRequest) (enrollment.Activity, error) {
	c, err := o.of(ctx, r.Service.Tenant)
	if errors.Is(err, ErrNoAccount) {
		return enrollment.Activity{State: enrollment.ActivityByHand}, nil
	}
	if err != nil {
		return enrollment.Activity{}, err
	}
	a, err := c.assign(ctx, r)
	if err != nil {
		return enrollment.Activity{}, callError(err)
	}
	return portActivity(a), nil
}

func (c *Client) assign(ctx context.Context, r enrollment.AssignmentRequest) (Activity, error) {
	switch r.Kind {
	case enrollment.HurryMigration:
		return c.UpdateDeadline(ctx, r.Deadline, r.Serials...)
	case enrollment.CancelMigration:
		return c.CancelMigration(ctx, r.Serials...)
	case enrollment.AssignDevices, enrollment.UnassignDevices, enrollment.MigrateDevices:
	default:
		return Activity{}, wrongInput("there is no assignment of the kind %q", r.Kind)
	}
	server, err := c.serverID(ctx, r.Service)
	if err != nil {
		return Activity{}, err
	}
	switch r.Kind {
	case enrollment.UnassignDevices:
		return c.Unassign(ctx, server, r.Serials...)
	case enrollment.MigrateDevices:
		return c.AssignWithDeadline(ctx, server, r.Deadline, r.Serials...)
	}
	return c.Assign(ctx, server, r.Serials...)
}

// Activity implements [enrollment.Assigner]. Of a log that cannot be read nothing is refused: what counts is read back.
func (o *Organizations) Activity(ctx context.Context, tenant enrollment.TenantID, id string) (enrollment.Activity, error) {
	c, err := o.of(ctx, tenant)
	if err != nil {
		return enrollment.Activity{}, err
	}
	a, err := c.Activity(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return enrollment.Activity{}, fmt.Errorf("%w: %w", enrollment.ErrNoActivity, err)
	}
	if err != nil {
		return enrollment.Activity{}, callError(err)
	}
	out := portActivity(a)
	if a.Status == Completed && a.HasLog() {
		out.Refused = c.refused(ctx, a)
	}
	return out, nil
}

// refused are the devices of which the log says that nothing was done. What its words mean is not documented, so that none of
// them ends anything: the device is read back, and may be tried again.
func (c *Client) refused(ctx context.Context, a Activity) (out []enrollment.DeviceResult) {
	for row, err := range c.ActivityLog(ctx, a) {
		if err != nil || len(out) == MaxDevices {
			break
		}
		if status := strings.ToUpper(row.Status); strings.Contains(status, "FAIL") || strings.Contains(status, "ERROR") {
			reason := row.Reason
			if reason == "" {
				reason = row.Status
			}
			out = append(out, enrollment.DeviceResult{Serial: row.Serial, Outcome: enrollment.Retry, Reason: reason})
		}
	}
	return out
}

func portActivity(a Activity) enrollment.Activity {
	out := enrollment.Activity{ID: a.ID, State: enrollment.ActivityRunning, At: a.Completed}
	switch a.Status {
	case Completed:
		out.State = enrollment.ActivityCompleted
	case Stopped:
		out.State = enrollment.ActivityStopped
	case Failed:
		out.State = enrollment.ActivityFailed
	}
	return out
}

// Devices implements [enrollment.DeviceLister], with what the API tells beyond the service's own list: whether a device can
// migrate. It asks for the serial numbers of the service first, which stay in memory meanwhile, and then for all devices of
// the organization. It knows nothing of enrollment profiles.
func (o *Organizations) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(yield func(enrollment.AssignedDevice, error) bool) {
		c, err := o.of(ctx, s.Tenant)
		if err != nil {
			yield(enrollment.AssignedDevice{}, err)
			return
		}
		at := c.asked()
		serials, err := c.serialsOf(ctx, s)
		if err != nil {
			yield(enrollment.AssignedDevice{}, callError(err))
			return
		}
		if len(serials) == 0 {
			return
		}
		for d, err := range c.Devices(ctx) {
			if err != nil {
				yield(enrollment.AssignedDevice{}, callError(err))
				return
			}
			if _, has := serials[d.Serial]; !has {
				continue
			}
			delete(serials, d.Serial)
			if !yield(portDevice(s, d, at), nil) {
				return
			}
		}
		for serial := range serials { // that the organization's list leaves out
			if !yield(portDevice(s, Device{Serial: serial}, at), nil) {
				return
			}
		}
	}
}

// Lookup implements [enrollment.DeviceLister], by the list of the service: one by one it would take an hour of Apple's patience.
func (o *Organizations) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	c, err := o.of(ctx, s.Tenant)
	if err != nil {
		return nil, err
	}
	switch {
	case len(serials) > enrollment.MaxBatch:
		return nil, callError(wrongInput("%d devices are more than the %d of one call", len(serials), enrollment.MaxBatch))
	case len(serials) == 0:
		return nil, nil
	}
	at := c.asked()
	has, err := c.serialsOf(ctx, s)
	if err != nil {
		return nil, callError(err)
	}
	out := make([]enrollment.AssignedDevice, len(serials))
	for i, serial := range serials {
		out[i] = enrollment.AssignedDevice{Device: enrollment.Device{Serial: serial}, Assigned: enrollment.No, ObservedAt: at}
		if _, is := has[serial]; is {
			out[i] = portDevice(s, Device{Serial: serial}, at)
		}
	}
	return out, nil
}

// PublishCertificate implements [enrollment.CertificatePublisher]. The service is found by its UUID alone: a name that is equal
// may be that of another one, whose token would die. See [Client.ReplaceCertificate] for when.
func (o *Organizations) PublishCertificate(ctx context.Context, s enrollment.Service, certificatePEM []byte) error {
	c, err := o.of(ctx, s.Tenant)
	if err != nil {
		return err
	}
	server, err := c.serverID(ctx, enrollment.Service{Tenant: s.Tenant, UUID: s.UUID})
	if err == nil {
		_, err = c.ReplaceCertificate(ctx, server, certificatePEM)
	}
	return publishError(err)
}

// CreateService implements [enrollment.CertificatePublisher].
func (o *Organizations) CreateService(ctx context.Context, tenant enrollment.TenantID, name string, certificatePEM []byte) error {
	c, err := o.of(ctx, tenant)
	if err == nil {
		_, err = c.CreateServer(ctx, name, certificatePEM)
	}
	return publishError(err)
}

// publishError is a [callError]: what a person has to mend is final, because nobody but a person repeats it.
func publishError(err error) error {
	if isAny(err, ErrNoServer, ErrUnauthorized, ErrForbidden) {
		return &enrollment.CallError{Outcome: enrollment.Fatal, Err: err}
	}
	return callError(err)
}

func (o *Organizations) of(ctx context.Context, tenant enrollment.TenantID) (*Client, error) {
	c, err := o.client(ctx, tenant)
	if err == nil {
		return c, nil
	}
	if _, said := errors.AsType[*enrollment.CallError](err); said {
		return nil, err
	}
	return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: fmt.Errorf("axm: there is no client for the tenant: %w", err)}
}

func (c *Client) serialsOf(ctx context.Context, s enrollment.Service) (map[string]struct{}, error) {
	server, err := c.serverID(ctx, s)
	if err != nil {
		return nil, err
	}
	out := map[string]struct{}{}
	for serial, err := range c.ServerSerials(ctx, server) {
		if errors.Is(err, ErrNotFound) { // which the organization had
			return nil, fmt.Errorf("axm: %w: %w", enrollment.ErrServiceGone, err)
		}
		if err != nil {
			return nil, err
		}
		out[serial] = struct{}{}
	}
	return out, nil
}

// asked is the time of a question about to be asked: what is answered is at least as new.
func (c *Client) asked() time.Time { return c.service.now().UTC().Truncate(time.Microsecond) }

func portDevice(s enrollment.Service, d Device, at time.Time) enrollment.AssignedDevice {
	out := enrollment.AssignedDevice{
		Device: enrollment.Device{
			Serial: d.Serial, Model: d.Model, Product: d.ProductType, Family: enrollment.ParseFamily(d.Family),
		},
		Assigned: enrollment.Yes, Server: s.Server, Service: enrollment.NormalUUID(s.UUID),
		Capable: enrollment.KnownOf(d.MigrationCapable), MigrationDeadline: d.MigrationDeadline, ObservedAt: at,
	}
	switch status := enrollment.MigrationStatus(strings.ToLower(d.MigrationStatus)); status {
	case enrollment.MigrationRequested, enrollment.MigrationStarted, enrollment.MigrationSucceeded, enrollment.MigrationFailed:
		out.Migration = status
	}
	return out
}
