package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

var clusterHeader = http.Header{"X-Mdm-Key": {mdmKey}}

// eventTypes are what the clusters call what devices tell.
var eventTypes = map[enrollment.DeviceEventKind]string{
	enrollment.DeviceAuthenticated: rmm.Authenticate, enrollment.DeviceEnrolled: rmm.TokenUpdate, enrollment.DeviceWipeAnswered: rmm.Answer,
}

var answers = map[enrollment.WipeState]string{
	enrollment.WipeAcknowledged: rmm.Acknowledged, enrollment.WipeFailed: rmm.Failed, enrollment.WipeMalformed: rmm.FormatError,
	enrollment.WipeNotNow: rmm.NotNow,
}

// hear is a cluster of the RMM, which tells it what it heard from a device.
func (s *stage) hear(ctx context.Context, p *process, e enrollment.DeviceEvent) error {
	ev := rmm.Event{Type: eventTypes[e.Kind], UDID: e.UDID, Serial: e.Serial, At: e.At}
	if e.Wipe != nil {
		ev.Command, ev.Status, ev.Reason = e.Wipe.Command, answers[e.Wipe.State], e.Wipe.Reason
	}
	if e.Kind == enrollment.DeviceAuthenticated {
		f, err := s.world.Ports().DeviceFacts(ctx, e.Tenant, e.MDM, enrollment.Device{UDID: e.UDID})
		if err != nil {
			return err
		}
		is := func(k enrollment.Known) *bool { yes := k == enrollment.Yes; return &yes }
		ev.Model, ev.Family, ev.OS, ev.PushTopic = f.Model, string(f.Family), f.OS, topic
		ev.Supervised, ev.SharedIPad, ev.ByADE, ev.AppleSilicon = is(f.Supervised), is(f.SharedIPad), is(f.ADEEnrolled), is(f.AppleSilicon)
		ev.ActivationLocked = is(f.ActivationLocked)
	}
	return ask(ctx, p.app, clusterHeader, "POST", fmt.Sprintf("/mdm/%s/%s/events", e.MDM, e.Tenant), ev, nil)
}

// connect has the clusters tell the RMM what they hear. Failures are told to the function.
func (s *stage) connect(ctx context.Context, failed func(error)) {
	for _, m := range []*fleet.MDM{s.old, s.next} {
		m.Subscribe(func(e enrollment.DeviceEvent) {
			if err := s.hear(ctx, s.first, e); err != nil {
				failed(err)
			}
		})
	}
}

// push has devices for which commands wait fetch them, as far as they have a network.
func (s *stage) push(ctx context.Context, away map[string]bool) error {
	for _, m := range []*fleet.MDM{s.old, s.next} {
		var waiting []rmm.Waiting
		if err := ask(ctx, s.first.app, clusterHeader, "GET", fmt.Sprintf("/mdm/%s/waiting", m.ID()), nil, &waiting); err != nil {
			return err
		}
		for _, w := range waiting {
			if away[w.UDID] {
				continue
			}
			if err := s.fetch(ctx, m, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch is a device that fetches a command.
func (s *stage) fetch(ctx context.Context, m *fleet.MDM, w rmm.Waiting) error {
	var d rmm.Delivery
	err := ask(ctx, s.first.app, clusterHeader, "POST", fmt.Sprintf("/mdm/%s/%s/devices/%s/next", m.ID(), w.Customer, w.UDID), nil, &d)
	if err != nil || d.UUID == "" {
		return err
	}
	pin := enrollment.PIN{}
	if d.PIN != "" {
		if pin, err = enrollment.NewPIN(d.PIN); err != nil {
			return err
		}
	}
	order := enrollment.Wipe{
		Command: d.UUID, Tenant: enrollment.TenantID(w.Customer), MDM: m.ID(), Device: enrollment.Device{UDID: w.UDID},
		NotAfter: s.clock.Now().Add(time.Minute),
	}
	if behavior, told := d.Args["ObliterationBehavior"].(string); told {
		order.Options.Obliteration = enrollment.Obliteration(behavior)
	}
	_, err = s.world.Ports().Wipe(ctx, order, pin)
	return err
}

// live lets devices, people's absence and the processes of the RMM act, until the time is over or until says so.
func (s *stage) live(ctx context.Context, d time.Duration, away map[string]bool, until func() bool) error {
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end) && !until(); {
		wake := end
		for _, p := range s.processes {
			var ran runner.Ran
			var err error
			for ran.Claimed = 1; ran.Claimed > 0 && err == nil; { // until nothing is due, so that Next is not the lease of what was just done
				ran, err = p.runner.RunDue(ctx, runner.Due{})
			}
			if err != nil {
				return err
			}
			if !ran.Next.IsZero() && ran.Next.Before(wake) {
				wake = ran.Next
			}
		}
		if err := s.push(ctx, away); err != nil {
			return err
		}
		if s.world.Step() {
			continue
		}
		if at := s.world.Wake(); !at.IsZero() && at.Before(wake) {
			wake = at
		}
		s.clock.Pass(max(wake.Sub(s.clock.Now()), time.Second))
	}
	return nil
}
