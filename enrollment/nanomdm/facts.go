package nanomdm

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// take keeps what a message tells, and delivers what happened.
func (h *Webhook) take(ctx context.Context, e event, t *told, m message) error {
	tenant, o := h.c.Tenant, Origin{UDID: t.UDID, Serial: enrollment.NormalSerial(m.text("SerialNumber")), Topic: m.text("Topic"), Params: t.Params}
	if h.c.TenantOf != nil {
		var err error
		if tenant, err = h.c.TenantOf(ctx, o); err != nil {
			return fmt.Errorf("nanomdm: whose device it is could not be found: %w", err)
		}
		if tenant == "" {
			return nil
		}
	}
	seen := sightingOf(e, t, m, h.c.MDM)
	var before, now Sighting
	first := t.first()
	if h.c.Sightings != nil {
		var err error
		if before, now, err = h.c.Sightings.Saw(ctx, tenant, seen); err != nil {
			return fmt.Errorf("nanomdm: what the device told could not be kept: %w", err)
		}
		seen = before.inOrder(seen)
		// The tally is read when the event is sent. Where two messages came in quick succession it counts both.
		first = first || enrolling(before, seen)
	}
	if h.c.Server != nil && answered(e, t) {
		h.c.Server.SawAnswer(t.CommandUUID)
	}
	if t.IDs.Type != typeDevice {
		return nil
	}
	out := enrollment.DeviceEvent{
		Tenant: tenant, MDM: h.c.MDM, UDID: t.UDID, Serial: cmp.Or(seen.Serial, now.Serial), At: seen.LastSeen, Device: seen.Device,
	}
	if h.c.ServiceOf != nil {
		out.Server = h.c.ServiceOf(o)
	}
	switch e.Topic {
	case topicAuthenticate:
		out.Kind = enrollment.DeviceAuthenticated
		if out.Serial == "" {
			return badEvent("%s without a serial number", e.Topic)
		}
	case topicTokenUpdate:
		if !first {
			return nil
		}
		out.Kind = enrollment.DeviceEnrolled
		if err := h.deliver(ctx, out); err != nil || h.c.Sightings == nil {
			return err
		}
		// Only now, so that the next TokenUpdate tells it again if this one could not be delivered.
		seen.EnrolledAt = seen.LastSeen
		_, _, err := h.c.Sightings.Saw(ctx, tenant, seen)
		return err
	case topicConnect:
		if out.Wipe = wipeAnswer(t, m); out.Wipe == nil {
			return nil
		}
		out.Kind = enrollment.DeviceWipeAnswered
	default:
		return nil
	}
	return h.deliver(ctx, out)
}

func (h *Webhook) deliver(ctx context.Context, e enrollment.DeviceEvent) error {
	if err := h.c.Deliver(ctx, e); err != nil {
		return fmt.Errorf("nanomdm: the event was not taken: %w", err)
	}
	return nil
}

// enrolling reports whether a device that sends a TokenUpdate was between its Authenticate and the first of them.
func enrolling(before, seen Sighting) bool {
	return !before.Authenticated.IsZero() && !seen.LastSeen.Before(before.Authenticated) &&
		before.EnrolledAt.Before(before.Authenticated)
}

// answers are the states of a command as devices tell them (Apple, "EraseDevice" and "Sending MDM commands to a device").
var answers = map[string]enrollment.WipeState{
	"Acknowledged":       enrollment.WipeAcknowledged,
	"Error":              enrollment.WipeFailed,
	"CommandFormatError": enrollment.WipeMalformed,
	"NotNow":             enrollment.WipeNotNow,
}

// answered reports whether a command is done with for the server.
func answered(e event, t *told) bool {
	state, is := answers[t.Status]
	return e.Topic == topicConnect && is && state != enrollment.WipeNotNow
}

// wipeAnswer returns what a device answered to a wipe; nil: it is something else. Answers do not name their command's
// kind, but its UUID is one that only wipes have ([enrollment.WipeCommand]: version 8).
func wipeAnswer(t *told, m message) *enrollment.WipeAnswer {
	state, is := answers[t.Status]
	command := strings.ToLower(t.CommandUUID)
	if !is || !identifier(command) || len(command) != 36 || command[14] != '8' {
		return nil
	}
	return &enrollment.WipeAnswer{Command: command, State: state, Reason: m.reason()}
}
