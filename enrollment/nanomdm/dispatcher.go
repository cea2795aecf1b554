package nanomdm

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Servers finds the NanoMDM server that stands for an MDM of a tenant, or [enrollment.ErrNoDevice] wrapped where there is
// none. It is asked before each request, so that a server may be replaced while the program runs.
type Servers func(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (*Server, error)

// Only returns the servers of a program that has a single one.
func Only(s *Server) Servers {
	return func(context.Context, enrollment.TenantID, enrollment.MDMID) (*Server, error) { return s, nil }
}

// Dispatcher sends wipes through NanoMDM. It is safe for concurrent use.
type Dispatcher struct {
	servers Servers
	wifi    func(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) ([]byte, error)
}

var _ enrollment.WipeDispatcher = (*Dispatcher)(nil)

// NewDispatcher makes one. wifi returns the configuration profile of the Wi-Fi network by which a device without cellular
// or Ethernet comes back with Return to Service; nil: there is none.
func NewDispatcher(servers Servers, wifi func(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) ([]byte, error)) *Dispatcher {
	return &Dispatcher{servers: servers, wifi: wifi}
}

// Wipe queues an EraseDevice for the device and has it woken. Whether it is too late is looked at when the request leaves,
// after the connection stands. [ErrForgetful] and [ErrWipe] say why a wipe is not sent at all.
//
// A repeat is refused by the server and is [enrollment.ErrRepeated]; the device is then woken once more.
func (d *Dispatcher) Wipe(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	s, raw, err := d.prepare(ctx, w, pin)
	if err != nil {
		return enrollment.WipeStatus{}, err
	}
	inTime := func() error {
		if !s.now().Before(w.NotAfter) {
			return enrollment.ErrTooLate
		}
		return nil
	}
	if err := inTime(); err != nil {
		return enrollment.WipeStatus{}, fmt.Errorf("nanomdm: %w", err)
	}
	reason, err := s.enqueue(ctx, w.Device.UDID, w.Command, requestErase, newGate(raw, inTime))
	if errors.Is(err, enrollment.ErrRepeated) && !s.noPush {
		// It waits there, perhaps because the device was never woken. That it cannot be woken now changes nothing.
		_ = s.push(ctx, w.Device.UDID)
	}
	if err != nil {
		return enrollment.WipeStatus{}, err
	}
	return enrollment.WipeStatus{State: enrollment.WipeQueued, Reason: reason, At: s.now().UTC()}, nil
}

// prepare does all that comes before the request. What fails here left nothing behind.
func (d *Dispatcher) prepare(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (*Server, []byte, error) {
	var wifi []byte
	if w.Options.ReturnToService && d.wifi != nil {
		var err error
		if wifi, err = d.wifi(ctx, w.Tenant, w.Device); err != nil {
			return nil, nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: fmt.Errorf("nanomdm: no Wi-Fi profile for Return to Service: %w", err)}
		}
	}
	raw, err := eraseCommand(w, pin, wifi)
	if err != nil {
		return nil, nil, err
	}
	s, err := d.server(ctx, w.Tenant, w.MDM)
	if err != nil {
		return nil, nil, err
	}
	memory, err := s.Memory(ctx)
	if err != nil {
		if call, is := errors.AsType[*enrollment.CallError](err); is {
			return nil, nil, call
		}
		return nil, nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: err}
	}
	if memory == Forgets {
		return nil, nil, fatal(ErrForgetful)
	}
	return s, raw, nil
}

// server finds the server of an MDM. Without one nothing was sent.
func (d *Dispatcher) server(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (*Server, error) {
	s, err := d.servers(ctx, tenant, mdm)
	switch {
	case errors.Is(err, enrollment.ErrNoDevice):
		return nil, err
	case err != nil:
		return nil, &enrollment.CallError{Outcome: enrollment.Retry, Err: err}
	case s == nil:
		return nil, fmt.Errorf("nanomdm: %w: no server stands for this MDM", enrollment.ErrNoDevice)
	}
	return s, nil
}

// WipeStatus is errors.ErrUnsupported: NanoMDM's API tells nothing of its queue. What a device answered comes to a [Webhook].
func (*Dispatcher) WipeStatus(context.Context, enrollment.WipeRef) (enrollment.WipeStatus, error) {
	return enrollment.WipeStatus{}, fmt.Errorf("nanomdm: NanoMDM cannot be asked about a command: %w", errors.ErrUnsupported)
}

// RecallWipe is errors.ErrUnsupported: NanoMDM's API takes no command back. It drops what is queued for a device by itself
// when the device enrolls again.
func (*Dispatcher) RecallWipe(context.Context, enrollment.WipeRef) error {
	return fmt.Errorf("nanomdm: NanoMDM cannot take a command back: %w", errors.ErrUnsupported)
}

// WipeAbilities says what can be done. RefusesRepeats is on once the server was seen to remember answered commands; see
// [Server.Memory].
func (d *Dispatcher) WipeAbilities(ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (enrollment.WipeAbilities, error) {
	s, err := d.server(ctx, tenant, mdm)
	if err != nil {
		return enrollment.WipeAbilities{}, err
	}
	memory, err := s.Memory(ctx)
	if err != nil {
		return enrollment.WipeAbilities{}, err
	}
	if memory == Forgets {
		return enrollment.WipeAbilities{}, fatal(ErrForgetful)
	}
	return enrollment.WipeAbilities{RefusesRepeats: memory == Remembers, PIN: true, ReturnService: true}, nil
}

// Wake has the device woken so that it comes for what is queued: for a wipe that waits, after the push certificate was
// renewed for instance. It queues nothing.
func (d *Dispatcher) Wake(ctx context.Context, w enrollment.WipeRef) error {
	if !identifier(w.UDID) {
		return wrongWipe("the device's enrollment ID is not known")
	}
	s, err := d.server(ctx, w.Tenant, w.MDM)
	if err != nil {
		return err
	}
	return s.push(ctx, w.UDID)
}

// push asks NanoMDM to wake a device through Apple.
func (s *Server) push(ctx context.Context, udid string) error {
	k := call{method: http.MethodPut, path: "/v1/push/" + udid, contentType: "text/plain", body: newGate(nil, nil)}
	r, err := s.send(ctx, k)
	if err != nil {
		return err
	}
	if err := s.refusal(k, r); err != nil {
		return err
	}
	a, err := readEnqueued(r.body)
	if err != nil {
		return err
	}
	if text := a.unpushed(udid); text != "" {
		return fmt.Errorf("nanomdm: the device was not woken: %s", s.foreign(text))
	}
	return nil
}
