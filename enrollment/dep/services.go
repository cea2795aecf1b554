package dep

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Services shows and prepares the devices of the services of an installation: it is the [enrollment.DeviceLister], the
// [enrollment.ProfileAssigner] and the [enrollment.ProfileReader] by which devices move. Each call goes through the client of
// the service that it names. It is safe for concurrent use if the function that it was made with is.
type Services struct {
	client func(context.Context, enrollment.Service) (*Client, error)
	clock  *service // which all clients share; nil: they are the host's
}

var (
	_ enrollment.DeviceLister    = (*Services)(nil)
	_ enrollment.ProfileAssigner = (*Services)(nil)
	_ enrollment.ProfileReader   = (*Services)(nil)
)

// ErrOtherService says that the token of a client belongs to another service than the one that was to be asked. What that
// one shows proves nothing about this one, and a wipe may hang on it.
var ErrOtherService = errors.New("dep: the token belongs to another service")

// NewServices makes them of clients that the host keeps itself; [ServicesFor] keeps them for it. client returns the client of
// a service, the same one again each time, because each opens a session of its own. Its error may be an [enrollment.CallError]; any other is worth another attempt.
func NewServices(client func(context.Context, enrollment.Service) (*Client, error)) *Services {
	return &Services{client: client}
}

// AssignProfile implements [enrollment.ProfileAssigner]. A device that Apple throttles is worth another attempt after the
// time that Apple names, one that is not the service's is not.
func (a *Services) AssignProfile(ctx context.Context, s enrollment.Service, profile string, serials []string) ([]enrollment.DeviceResult, error) {
	c, err := a.of(ctx, s, serials)
	if err != nil || len(serials) == 0 {
		return nil, err
	}
	results, err := c.AssignProfile(ctx, profile, serials...)
	if err != nil {
		return nil, callError(err)
	}
	bySerial := map[string]enrollment.DeviceResult{}
	for _, r := range results {
		bySerial[r.Serial] = deviceResult(r)
	}
	out := make([]enrollment.DeviceResult, len(serials))
	for i, serial := range serials {
		out[i] = bySerial[serial]
	}
	return out, nil
}

// HasProfile implements [enrollment.ProfileReader].
func (a *Services) HasProfile(ctx context.Context, s enrollment.Service, profile string) (enrollment.Known, error) {
	c, err := a.of(ctx, s, nil)
	if err != nil {
		return enrollment.NotKnown, err
	}
	switch _, err := c.Profile(ctx, profile); {
	case errors.Is(err, ErrNotFound):
		return enrollment.No, nil
	case err != nil:
		return enrollment.NotKnown, callError(err)
	}
	return enrollment.Yes, nil
}

// deviceResult is what became of one device. Whether Apple did what it says nothing about does not matter: the profile may
// be assigned again.
func deviceResult(r Result) enrollment.DeviceResult {
	out := enrollment.DeviceResult{Serial: r.Serial, Outcome: Outcome(r.Err()), RetryAfter: r.RetryAfter}
	if out.Outcome == enrollment.Unknown {
		out.Outcome = enrollment.Retry
	}
	if out.Outcome != enrollment.OK {
		out.Reason = untrusted.Clean(string(r.Status), maxName)
	}
	return out
}

// Lookup implements [enrollment.DeviceLister]. A device about which Apple says neither that it is the service's nor that
// it is not is neither.
func (a *Services) Lookup(ctx context.Context, s enrollment.Service, serials []string) ([]enrollment.AssignedDevice, error) {
	c, err := a.of(ctx, s, serials)
	if err != nil || len(serials) == 0 {
		return nil, err
	}
	at := c.asked()
	details, err := c.DeviceDetails(ctx, serials...)
	if err != nil {
		return nil, callError(err)
	}
	bySerial := map[string]enrollment.AssignedDevice{}
	for _, d := range details {
		seen := enrollment.AssignedDevice{Device: enrollment.Device{Serial: d.Serial}, ObservedAt: at}
		switch d.Status {
		case StatusSuccess:
			seen = assignedDevice(s, d.Device, at)
		case StatusNotAccessible, StatusNotFound:
			seen.Assigned = enrollment.No
		}
		bySerial[d.Serial] = seen
	}
	out := make([]enrollment.AssignedDevice, len(serials))
	for i, serial := range serials {
		out[i] = bySerial[serial]
	}
	return out, nil
}

// Devices implements [enrollment.DeviceLister]. Devices that were assigned while the pages were fetched come at the end.
func (a *Services) Devices(ctx context.Context, s enrollment.Service) iter.Seq2[enrollment.AssignedDevice, error] {
	return func(yield func(enrollment.AssignedDevice, error) bool) {
		c, err := a.of(ctx, s, nil)
		if err != nil {
			yield(enrollment.AssignedDevice{}, err)
			return
		}
		pages, cursor := 0, ""
		list := func(from iter.Seq2[Page, error]) (goOn bool) {
			at := c.asked()
			for page, err := range from {
				if err != nil {
					yield(enrollment.AssignedDevice{}, callError(err))
					return false
				}
				for _, d := range page.Devices {
					if d.Op != OpDeleted && !yield(assignedDevice(s, d, at), nil) {
						return false
					}
				}
				pages, cursor, at = pages+1, page.Cursor, c.asked()
			}
			return true
		}
		if list(c.FetchDevices(ctx, From{})) && pages > 1 {
			list(c.SyncDevices(ctx, From{Cursor: cursor}))
		}
	}
}

// of returns the client of a service, after a look at whether it is that service's.
func (a *Services) of(ctx context.Context, s enrollment.Service, serials []string) (*Client, error) {
	if len(serials) > enrollment.MaxBatch {
		return nil, callError(wrongInput("%d devices are more than the %d of one call", len(serials), enrollment.MaxBatch))
	}
	c, err := a.client(ctx, s)
	if err != nil {
		if _, said := errors.AsType[*enrollment.CallError](err); said {
			return nil, err
		}
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: fmt.Errorf("dep: there is no client for the service: %w", err)}
	}
	if c == nil {
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: errors.New("dep: there is no client for the service")}
	}
	want := enrollment.NormalUUID(s.UUID)
	if want == "" {
		return c, nil
	}
	uuid, err := c.serviceUUID(ctx)
	if err != nil {
		return nil, callError(err)
	}
	if want != enrollment.NormalUUID(uuid) {
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: fmt.Errorf("%w: %q, not %q", ErrOtherService, uuid, want)}
	}
	return c, nil
}

// serviceUUID says which service the client belongs to. It asks once: tokens of a source are all of one service.
func (c *Client) serviceUUID(ctx context.Context) (string, error) {
	c.mu.Lock()
	uuid := c.uuid
	c.mu.Unlock()
	if uuid != "" {
		return uuid, nil
	}
	account, err := c.Account(ctx)
	return account.ServerUUID, err
}

// asked is the time of a question about to be asked: what is answered is at least as new.
func (c *Client) asked() time.Time { return c.service.now().UTC().Truncate(time.Microsecond) }

// assignedDevice is a device as a service shows it. Apple's os is a platform here and no version, and does not say whether
// the device can migrate.
func assignedDevice(s enrollment.Service, d Device, at time.Time) enrollment.AssignedDevice {
	out := enrollment.AssignedDevice{
		Device:   enrollment.Device{Serial: d.Serial, Model: d.Model, Family: enrollment.ParseFamily(d.Family)},
		Assigned: enrollment.Yes, Server: s.Server, Service: enrollment.NormalUUID(s.UUID),
		Profile: d.ProfileUUID, ProfileAssigned: d.ProfileAssigned, ProfilePushed: d.ProfilePushed,
		MigrationDeadline: d.MigrationDeadline, ObservedAt: at,
	}
	switch status := enrollment.ProfileStatus(d.ProfileStatus); status {
	case enrollment.ProfileEmpty, enrollment.ProfileAssigned, enrollment.ProfilePushed, enrollment.ProfileRemoved:
		out.ProfileStatus = status
	}
	return out
}

// callError says what an error means for a call of the ports. A token that Apple refuses, and terms that wait, are mended
// by a person, after which the same call succeeds: they end no move.
func callError(err error) error {
	e := &enrollment.CallError{Outcome: Outcome(err), Err: err}
	if isAny(err, abmtoken.ErrRejected, abmtoken.ErrTermsPending, abmtoken.ErrAccessDenied) {
		e.Outcome = enrollment.Retry
	}
	if detailed, is := errors.AsType[abmtoken.Detailed](err); is {
		e.After = detailed.RetryAfter()
	}
	return e
}
