package migration_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// doBatch does an effect of a batch.
func (h *whole) doBatch(b migration.Batch, x enrollment.Effect) {
	r := h.result(x)
	switch x.Kind {
	case enrollment.LookUp:
		var seen []enrollment.AssignedDevice
		for _, s := range b.Serials(x) {
			seen = append(seen, h.see(s))
		}
		h.tellBatch(b.ID, migration.Looked{Result: r, Seen: seen})
	case enrollment.SpendPost:
		allowed := []enrollment.Allowance{{Most: h.policy.PostsPerHour, In: time.Hour}}
		next, ok := h.posts.Spend(h.now, 1, allowed)
		if r.Outcome = enrollment.OK; !ok {
			r.Outcome, r.RetryAfter = enrollment.Retry, h.posts.Next(h.now, allowed).Sub(h.now)
		}
		h.posts = next
		if call := h.tellBatch(b.ID, migration.PostSpent{Result: r}); call != nil {
			h.post(h.batches[b.ID], *call)
		}
	case enrollment.AskActivity:
		a := enrollment.Activity{ID: b.Activity, State: enrollment.ActivityRunning}
		if !h.now.Before(h.acts[b.Activity].done) {
			a.State = enrollment.ActivityCompleted
		}
		h.tellBatch(b.ID, migration.ActivityAsked{Result: r, Activity: a})
	case enrollment.AssignProfiles:
		h.assignProfiles(b, x, r)
	default:
		h.tellBatch(b.ID, migration.BatchNotified{Result: r})
	}
}

// post makes a call about assignments, unless the host crashes before.
func (h *whole) post(b migration.Batch, x enrollment.Effect) {
	if h.trips() {
		return
	}
	r := h.result(x)
	call := b.Assignment(x, enrollment.Service{Server: route.From}, enrollment.Service{Server: route.To})
	require.NotEmpty(h.t, call.Serials)
	id := fmt.Sprintf("act_%d", len(h.acts)+1)
	if r.Outcome != enrollment.Retry {
		h.posted = append(h.posted, h.now)
		h.acts[id] = &activity{kind: call.Kind, serials: call.Serials, until: call.Deadline, done: h.now.Add(time.Duration(1+h.rng.Intn(25)) * time.Minute)}
	}
	h.tellBatch(b.ID, migration.Posted{Result: r, Activity: enrollment.Activity{ID: id, State: enrollment.ActivityRunning}})
}

func (h *whole) assignProfiles(b migration.Batch, x enrollment.Effect, r enrollment.Result) {
	ev := migration.ProfilesAssigned{Result: r}
	for _, s := range b.Serials(x) {
		outcome := enrollment.OK
		if h.trips() {
			outcome = enrollment.Retry
		}
		if outcome == enrollment.OK && r.Outcome != enrollment.Retry {
			h.devices[s].profile = enrollment.ProfileAssigned
		}
		ev.Devices = append(ev.Devices, enrollment.DeviceResult{Serial: s, Outcome: outcome, RetryAfter: time.Minute})
	}
	h.tellBatch(b.ID, ev)
}

// see is a device as its new service shows it.
func (h *whole) see(serial string) enrollment.AssignedDevice {
	d := h.devices[serial]
	seen := enrollment.AssignedDevice{Device: enrollment.Device{Serial: serial}, Assigned: enrollment.No, ObservedAt: h.now}
	if d.service == route.To {
		seen.Assigned, seen.Server, seen.ProfileStatus, seen.MigrationDeadline = enrollment.Yes, route.To, d.profile, d.deadline
		if d.profile == enrollment.ProfileAssigned {
			seen.Profile = ourProfile
		}
	}
	return seen
}

func (h *whole) doMove(m migration.Move, x enrollment.Effect) {
	r := h.result(x)
	s := m.Device.Serial
	switch x.Kind {
	case enrollment.ConfirmDevice:
		ev := confirmedNow(m, h.now)
		ev.Result, ev.Seen = r, h.see(s)
		ev.Seen.Family = m.Device.Family
		h.tellMove(s, ev)
	case enrollment.AskWipe:
		state := enrollment.WipeQueued
		if h.devices[s].wiped == "" {
			state = enrollment.WipeUnheard
		}
		h.tellMove(s, migration.WipeAsked{Result: r, Status: enrollment.WipeStatus{State: state, At: h.now}})
	case enrollment.RecallWipe:
		r.Outcome = enrollment.Fatal
		h.tellMove(s, migration.WipeRecalled{Result: r})
	case enrollment.MakePIN:
		h.tellMove(s, migration.PINMade{Result: r, Secret: "pin_" + s})
	case enrollment.ClearLock:
		h.tellMove(s, migration.LockCleared{Result: r})
	}
}

// turn lets the world go on: activities end, devices enroll.
func (h *whole) turn() {
	for _, id := range slices.Sorted(maps.Keys(h.acts)) {
		a := h.acts[id]
		if h.now.Before(a.done) || a.serials == nil {
			continue
		}
		for _, s := range a.serials {
			d := h.devices[s]
			switch a.kind {
			case enrollment.AssignDevices, enrollment.MigrateDevices:
				if h.trips() {
					continue // completed over a device that it did nothing about
				}
				d.service, d.profile, d.deadline = route.To, enrollment.ProfileEmpty, a.until
				if a.kind == enrollment.MigrateDevices && !d.offline {
					d.comes = h.now.Add(time.Duration(1+h.rng.Intn(20*24)) * time.Hour)
				}
			case enrollment.UnassignDevices:
				d.service = ""
			case enrollment.CancelMigration:
				if d.deadline, d.service = (time.Time{}), route.From; !d.enrolled {
					d.comes = time.Time{}
				}
			}
		}
		a.serials = nil
	}
	for _, s := range h.serials() {
		d := h.devices[s]
		if d.comes.IsZero() || h.now.Before(d.comes) {
			continue
		}
		if !h.moves[s].Live() {
			d.comes = time.Time{} // nobody waits for it any more
			continue
		}
		if d.profile == enrollment.ProfileEmpty {
			require.Empty(h.t, d.wiped, "%s came back without a profile", s)
			d.comes = h.now.Add(time.Hour) // a migration waits for its profile
			continue
		}
		d.comes, d.enrolled = time.Time{}, true
		for _, kind := range []enrollment.DeviceEventKind{enrollment.DeviceAuthenticated, enrollment.DeviceEnrolled} {
			h.tellMove(s, migration.Observed{DeviceEvent: enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: s, MDM: "mdm_new", Server: route.To, At: h.now}})
		}
	}
}
