package migration_test

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

type (
	move   = migration.Move
	device = enrollment.AssignedDevice
	wiped  = enrollment.WipeStatus
)

// moveEvents are all ways in which something can happen to a move.
func moveEvents() []moveEvent {
	return slices.Concat(planEvents(), shownEvents(), confirmEvents(), wipeEvents(), seenEvents(), personEvents(), tickEvents())
}

func moveFact(name string, of func(m move, now time.Time) migration.MoveEvent) moveEvent {
	return moveEvent{Name: name, Of: of}
}

func sayFact(name string, ev migration.MoveEvent) moveEvent {
	return moveFact(name, func(move, time.Time) migration.MoveEvent { return ev })
}

// pendingIn returns the ID of the effect of a kind that is wanted, or one that never was.
func pendingIn(m move, kind enrollment.EffectKind) enrollment.EffectID {
	for _, x := range m.Pending {
		if x.Kind == kind {
			return x.ID
		}
	}
	return "mov_1/0/" + enrollment.EffectID(kind)
}

// planEvents come from batch, wave and plan.
func planEvents() []moveEvent {
	started := func(name string, batch string, deadline time.Duration) moveEvent {
		return moveFact("assign_started: "+name, func(_ move, now time.Time) migration.MoveEvent {
			return migration.AssignStarted{Batch: batch, Deadline: now.Add(deadline)}
		})
	}
	result := func(name string, batch string, outcome enrollment.Outcome) moveEvent {
		return sayFact("assign_result: "+name, migration.AssignResult{Batch: batch, Outcome: outcome, Reason: "CONFLICT"})
	}
	profile := func(name string, outcome enrollment.Outcome) moveEvent {
		return sayFact("profile_result: "+name, migration.ProfileResult{Outcome: outcome, Reason: "NOT_ACCESSIBLE"})
	}
	undone := func(name string, outcome enrollment.Outcome) moveEvent {
		return sayFact("deadline_cancelled: "+name, migration.DeadlineCancelled{Outcome: outcome, Reason: "CONFLICT"})
	}
	return []moveEvent{
		started("in a batch", "bat_1", 30*day), started("in no batch", "", 30*day), started("with a deadline of yesterday", "bat_1", -day),
		started("with a deadline in half a year", "bat_1", 180*day),
		result("ok", "bat_1", enrollment.OK), result("unknown", "bat_1", enrollment.Unknown), result("not done", "bat_1", enrollment.Retry),
		result("refused", "bat_1", enrollment.Fatal), result("of another batch", "bat_0", enrollment.OK), result("nonsense", "bat_1", "maybe"),
		profile("ok", enrollment.OK), profile("unknown", enrollment.Unknown), profile("throttled", enrollment.Retry), profile("refused", enrollment.Fatal),
		undone("ok", enrollment.OK), undone("not done", enrollment.Retry), undone("refused", enrollment.Fatal),
		sayFact("turn_called: first wave", migration.TurnCalled{Wave: 1}),
		sayFact("turn_called: next wave", migration.TurnCalled{Wave: 2}),
		sayFact("turn_called: no wave", migration.TurnCalled{}),
		sayFact("turn_ended", migration.TurnEnded{}),
		sayFact("gate_closed", migration.GateClosed{}),
	}
}

// shown is the device as its new service shows it, without a profile yet.
func shown(now time.Time) device {
	return device{
		Device: enrollment.Device{Serial: ourSerial, Family: enrollment.FamilyMac}, Assigned: enrollment.Yes, Server: "srv_new",
		ProfileStatus: enrollment.ProfileEmpty, ObservedAt: now,
	}
}

func withProfile(now time.Time) device {
	d := shown(now)
	d.Profile, d.ProfileStatus, d.ProfileAssigned = ourProfile, enrollment.ProfileAssigned, now
	return d
}

// shownEvents are what the new service shows.
func shownEvents() []moveEvent {
	read := func(name string, change func(d *device, now time.Time)) moveEvent {
		return moveFact("read_back: "+name, func(_ move, now time.Time) migration.MoveEvent {
			d := withProfile(now)
			change(&d, now)
			return migration.ReadBack{Seen: d}
		})
	}
	gone := func(d *device, now time.Time) {
		*d = device{Device: enrollment.Device{Serial: ourSerial}, Assigned: enrollment.No, ObservedAt: now}
	}
	notThere := read("not there", gone)
	notThere.Late = func(move, time.Time) time.Duration { return 15 * minute } // Apple's answers lag
	return []moveEvent{
		read("without a profile", func(d *device, now time.Time) { *d = shown(now) }),
		read("with the profile", func(*device, time.Time) {}),
		read("with the profile, long ago", func(d *device, _ time.Time) { d.ObservedAt = noon.Add(-day) }),
		read("with another profile", func(d *device, _ time.Time) { d.Profile = "ANOTHER" }),
		read("profile removed", func(d *device, _ time.Time) { d.ProfileStatus = enrollment.ProfileRemoved }),
		read("profile fetched", func(d *device, now time.Time) { d.ProfileStatus, d.ProfilePushed = enrollment.ProfilePushed, now }),
		read("profile fetched long ago", func(d *device, _ time.Time) {
			d.ProfileStatus, d.ProfilePushed = enrollment.ProfilePushed, noon.Add(-day)
		}),
		read("with a deadline", func(d *device, now time.Time) { d.MigrationDeadline = now.Add(20 * day) }),
		read("migration failed", func(d *device, _ time.Time) { d.Migration = enrollment.MigrationFailed }),
		read("not there yet", gone), notThere,
		read("without a word of profiles", func(d *device, _ time.Time) { d.Profile, d.ProfileStatus = "", "" }),
		read("not there, long ago", func(d *device, _ time.Time) {
			*d = device{Device: enrollment.Device{Serial: ourSerial}, Assigned: enrollment.No, ObservedAt: noon.Add(-day)}
		}),
		read("nothing said", func(d *device, _ time.Time) { d.Assigned = enrollment.NotKnown }),
		read("released", func(d *device, _ time.Time) { d.Assigned, d.Released = enrollment.No, enrollment.Yes }),
		read("of another device", func(d *device, _ time.Time) { d.Serial = "OTHER" }),
	}
}

var (
	everyAbility = enrollment.WipeAbilities{RefusesRepeats: true, Status: true, Recall: true, PIN: true, ReturnService: true}
	onlyRefuses  = enrollment.WipeAbilities{RefusesRepeats: true}
)

// confirmedNow is the fresh confirmation of a device of which all is well.
func confirmedNow(m move, now time.Time) migration.DeviceConfirmed {
	seen := withProfile(now)
	seen.Family = m.Device.Family
	return migration.DeviceConfirmed{
		Result: enrollment.Result{Effect: pendingIn(m, enrollment.ConfirmDevice), Outcome: enrollment.OK},
		Seen:   seen,
		Facts: enrollment.DeviceFacts{
			Device: m.Device, MDM: "mdm_old", Managed: enrollment.Yes, Supervised: enrollment.Yes, SharedIPad: enrollment.No,
			AppleSilicon: enrollment.Yes, LastSeen: now, ObservedAt: now,
		},
		Lock: enrollment.ActivationLock{Locked: enrollment.No}, Can: onlyRefuses,
	}
}

// confirmEvents are what is read right before a wipe, and the PIN.
func confirmEvents() []moveEvent {
	read := func(name string, change func(ev *migration.DeviceConfirmed, now time.Time)) moveEvent {
		return moveFact("device_confirmed: "+name, func(m move, now time.Time) migration.MoveEvent {
			ev := confirmedNow(m, now)
			change(&ev, now)
			return ev
		})
	}
	type confirmed = migration.DeviceConfirmed
	failed := func(name string, outcome enrollment.Outcome) moveEvent {
		return read(name, func(ev *confirmed, _ time.Time) {
			*ev = confirmed{Result: enrollment.Result{Effect: ev.Effect, Outcome: outcome, Problem: enrollment.NewProblem(enrollment.CodeUnreachable, "reason", "")}}
		})
	}
	pin := func(name string, outcome enrollment.Outcome, secret string) moveEvent {
		return moveFact("pin_made: "+name, func(m move, _ time.Time) migration.MoveEvent {
			return migration.PINMade{Result: enrollment.Result{Effect: pendingIn(m, enrollment.MakePIN), Outcome: outcome}, Secret: secret}
		})
	}
	notThere := read("not there", func(ev *confirmed, _ time.Time) { ev.Seen.Assigned = enrollment.No })
	notThere.Late = func(move, time.Time) time.Duration { return 15 * minute }
	return []moveEvent{
		read("all is well", func(*confirmed, time.Time) {}),
		read("through an MDM that can all", func(ev *confirmed, _ time.Time) { ev.Can = everyAbility }),
		read("through an MDM that can nothing", func(ev *confirmed, _ time.Time) { ev.Can = enrollment.WipeAbilities{} }),
		read("locked", func(ev *confirmed, _ time.Time) { ev.Lock.Locked = enrollment.Yes }),
		read("locked, with a code", func(ev *confirmed, _ time.Time) {
			ev.Lock, ev.Can = enrollment.ActivationLock{Locked: enrollment.Yes, Clearable: enrollment.Yes}, everyAbility
		}),
		read("needs a PIN", func(ev *confirmed, _ time.Time) { ev.Facts.AppleSilicon, ev.Can = enrollment.No, everyAbility }),
		read("needs a PIN that cannot be sent", func(ev *confirmed, _ time.Time) { ev.Facts.AppleSilicon = enrollment.No }),
		read("another enrollment ID", func(ev *confirmed, _ time.Time) { ev.Facts.UDID = "OTHER" }),
		read("another product", func(ev *confirmed, _ time.Time) { ev.Facts.Product = "iPhone15,2" }),
		read("another MDM", func(ev *confirmed, _ time.Time) { ev.Facts.MDM = "mdm_other" }),
		read("another family at Apple", func(ev *confirmed, _ time.Time) { ev.Seen.Family = enrollment.FamilyAppleTV }),
		read("no device named", func(ev *confirmed, _ time.Time) { ev.Facts.UDID = "" }),
		read("not there yet", func(ev *confirmed, _ time.Time) { ev.Seen.Assigned = enrollment.No }), notThere,
		read("service says nothing", func(ev *confirmed, _ time.Time) { ev.Seen.Assigned = enrollment.NotKnown }),
		read("no word of profiles", func(ev *confirmed, _ time.Time) { ev.Seen.Profile, ev.Seen.ProfileStatus = "", "" }),
		read("profile gone", func(ev *confirmed, _ time.Time) { ev.Seen.ProfileStatus = enrollment.ProfileRemoved }),
		read("profile fetched", func(ev *confirmed, now time.Time) { ev.Seen.ProfilePushed = now }),
		read("released", func(ev *confirmed, _ time.Time) { ev.Seen.Released = enrollment.Yes }),
		read("not managed", func(ev *confirmed, _ time.Time) { ev.Facts.Managed = enrollment.No }),
		read("perhaps managed", func(ev *confirmed, _ time.Time) { ev.Facts.Managed = enrollment.NotKnown }),
		read("a Shared iPad", func(ev *confirmed, _ time.Time) { ev.Facts.SharedIPad = enrollment.Yes }),
		read("not seen for a day", func(ev *confirmed, now time.Time) { ev.Facts.LastSeen = now.Add(-day) }),
		read("answers of yesterday", func(ev *confirmed, now time.Time) { ev.Seen.ObservedAt = now.Add(-day) }),
		read("answers of no time", func(ev *confirmed, _ time.Time) { ev.Facts.ObservedAt = time.Time{} }),
		read("stale", func(ev *confirmed, _ time.Time) { ev.Effect = "mov_1/0/stale" }),
		failed("no answer", enrollment.Retry), failed("unknown to the MDM", enrollment.Fatal),
		pin("done", enrollment.OK, "pin_1"), pin("without a secret", enrollment.OK, ""), pin("failed", enrollment.Retry, ""),
	}
}

// wipeEvents are the release of a wipe and what is said of it.
func wipeEvents() []moveEvent {
	released := func(name, approval string, within time.Duration) moveEvent {
		return moveFact("wipe_released: "+name, func(_ move, now time.Time) migration.MoveEvent {
			return migration.WipeReleased{Approval: approval, SendBy: now.Add(within)}
		})
	}
	result := func(effect enrollment.EffectID, outcome enrollment.Outcome) enrollment.Result {
		r := enrollment.Result{Effect: effect, Outcome: outcome}
		if outcome != enrollment.OK {
			r.Problem = enrollment.NewProblem(enrollment.CodeUnreachable, "reason", "")
		}
		return r
	}
	sent := func(name string, outcome enrollment.Outcome, state enrollment.WipeState) moveEvent {
		return moveFact("wipe_sent: "+name, func(m move, now time.Time) migration.MoveEvent {
			effect := pendingIn(m, enrollment.SendWipe)
			if m.Wipe != nil {
				effect = m.Wipe.Effect // also when it is given up already
			}
			return migration.WipeSent{Result: result(effect, outcome), Status: wiped{State: state, At: now}}
		})
	}
	asked := func(name string, outcome enrollment.Outcome, state enrollment.WipeState) moveEvent {
		return moveFact("wipe_asked: "+name, func(m move, now time.Time) migration.MoveEvent {
			return migration.WipeAsked{Result: result(pendingIn(m, enrollment.AskWipe), outcome), Status: wiped{State: state, Reason: "no bootstrap token", At: now}}
		})
	}
	recalled := func(name string, outcome enrollment.Outcome) moveEvent {
		return moveFact("wipe_recalled: "+name, func(m move, _ time.Time) migration.MoveEvent {
			return migration.WipeRecalled{Result: result(pendingIn(m, enrollment.RecallWipe), outcome)}
		})
	}
	cleared := func(name string, outcome enrollment.Outcome) moveEvent {
		return moveFact("lock_cleared: "+name, func(m move, _ time.Time) migration.MoveEvent {
			return migration.LockCleared{Result: result(pendingIn(m, enrollment.ClearLock), outcome)}
		})
	}
	return []moveEvent{
		released("by its approval", "apr_1", migration.SendWithin), released("by another approval", "apr_2", migration.SendWithin),
		released("by none", "", migration.SendWithin), released("for the past", "apr_1", 0), released("for an hour", "apr_1", hour),
		sent("queued", enrollment.OK, enrollment.WipeQueued), sent("acknowledged at once", enrollment.OK, enrollment.WipeAcknowledged),
		sent("not sent", enrollment.Retry, ""), sent("refused by the MDM", enrollment.Fatal, ""), sent("no answer", enrollment.Unknown, ""),
		sayFact("wipe_sent: stale", migration.WipeSent{Result: enrollment.Result{Effect: "mov_1/0/stale", Outcome: enrollment.OK}}),
		asked("unheard", enrollment.OK, enrollment.WipeUnheard), asked("queued", enrollment.OK, enrollment.WipeQueued),
		asked("acknowledged", enrollment.OK, enrollment.WipeAcknowledged), asked("failed", enrollment.OK, enrollment.WipeFailed),
		asked("recalled", enrollment.OK, enrollment.WipeRecalled), asked("no answer", enrollment.Retry, ""), asked("cannot tell", enrollment.Fatal, ""),
		recalled("done", enrollment.OK), recalled("too late", enrollment.Fatal), recalled("no answer", enrollment.Unknown),
		cleared("done", enrollment.OK), cleared("no code", enrollment.Fatal), cleared("no answer", enrollment.Retry),
	}
}

// seenEvents are what happens to the device.
func seenEvents() []moveEvent {
	seen := func(kind enrollment.DeviceEventKind, name string, change func(e *enrollment.DeviceEvent, m move)) moveEvent {
		return moveFact(string(kind)+": "+name, func(m move, now time.Time) migration.MoveEvent {
			e := enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: ourSerial, UDID: ourUDID, At: now}
			change(&e, m)
			return migration.Observed{DeviceEvent: e}
		})
	}
	type happened = enrollment.DeviceEvent
	at := func(mdm func(m move) enrollment.MDMID) func(*happened, move) {
		return func(e *happened, m move) { e.MDM = mdm(m) }
	}
	atOld := at(func(m move) enrollment.MDMID { return m.Route.OldMDM })
	atNew := at(func(m move) enrollment.MDMID { return m.Route.NewMDM })
	before := func(e *happened, m move) { e.MDM, e.At = m.Route.NewMDM, noon.Add(-day) }
	answer := func(name string, state enrollment.WipeState, change func(e *happened, m move)) moveEvent {
		return seen(enrollment.DeviceWipeAnswered, name, func(e *happened, m move) {
			e.MDM, e.Wipe = m.Route.OldMDM, &enrollment.WipeAnswer{Command: "another", State: state, Reason: "no bootstrap token"}
			if m.Wipe != nil {
				e.Wipe.Command = m.Wipe.Command
			}
			change(e, m)
		})
	}
	as := func(*happened, move) {}
	return []moveEvent{
		seen(enrollment.DeviceAuthenticated, "at the old MDM", atOld), seen(enrollment.DeviceAuthenticated, "at the new MDM", atNew),
		seen(enrollment.DeviceAuthenticated, "elsewhere", at(func(move) enrollment.MDMID { return "mdm_other" })),
		seen(enrollment.DeviceAuthenticated, "long ago", before),
		seen(enrollment.DeviceEnrolled, "at the old MDM", atOld), seen(enrollment.DeviceEnrolled, "at the new MDM", atNew),
		seen(enrollment.DeviceEnrolled, "by the old service", func(e *happened, m move) { e.MDM, e.Server = m.Route.OldMDM, "srv_old" }),
		seen(enrollment.DeviceEnrolled, "long ago", before),
		seen(enrollment.DeviceEnrolled, "named by its UDID", func(e *happened, m move) { e.MDM, e.Serial = m.Route.NewMDM, "" }),
		seen(enrollment.DeviceEnrolled, "of another device", func(e *happened, m move) { e.MDM, e.Serial = m.Route.NewMDM, "OTHER" }),
		seen(enrollment.DeviceEnrolled, "of another tenant", func(e *happened, m move) { e.MDM, e.Tenant = m.Route.NewMDM, "other" }),
		seen(enrollment.DeviceEnrolled, "tomorrow", func(e *happened, m move) { e.MDM, e.At = m.Route.NewMDM, e.At.Add(day) }),
		seen(enrollment.DeviceProfileFetched, "of the new service", func(e *happened, _ move) { e.Server = "srv_new" }),
		seen(enrollment.DeviceProfileFetched, "of the old service", func(e *happened, _ move) { e.Server = "srv_old" }),
		seen(enrollment.DeviceProfileFetched, "long ago", func(e *happened, _ move) { e.Server, e.At = "srv_new", noon.Add(-day) }),
		answer("acknowledged", enrollment.WipeAcknowledged, as), answer("error", enrollment.WipeFailed, as),
		answer("malformed", enrollment.WipeMalformed, as), answer("not now", enrollment.WipeNotNow, as),
		answer("to another wipe", enrollment.WipeAcknowledged, func(e *happened, _ move) { e.Wipe.Command = "another" }),
		answer("at another MDM", enrollment.WipeAcknowledged, func(e *happened, _ move) { e.MDM = "mdm_other" }),
		answer("without an answer", "", func(e *happened, _ move) { e.Wipe = nil }),
		seen(enrollment.DeviceReleased, "now", as), seen(enrollment.DeviceReleased, "long ago", before),
		seen(enrollment.DeviceReassigned, "elsewhere", func(e *happened, _ move) { e.Server = "srv_other" }),
		seen(enrollment.DeviceReassigned, "to the new service", func(e *happened, _ move) { e.Server = "srv_new" }),
		seen("something_new", "of a later version", as),
	}
}

// personEvents are what people ask.
func personEvents() []moveEvent {
	asked := func(name string, ev migration.MoveEvent) moveEvent {
		a := sayFact(name, ev)
		a.Asked = true
		return a
	}
	return []moveEvent{
		asked("retry: as before", migration.RetryRequested{By: tess}),
		asked("retry: without an erase", migration.RetryRequested{By: tess, Decision: migration.Decision{Strategy: migration.Reassign}}),
		asked("retry: by a wipe", migration.RetryRequested{By: tess, Decision: toWipe(ourMac())}),
		asked("skip", migration.SkipRequested{By: tess}),
		asked("cancel", migration.CancelRequested{By: tess}),
	}
}

func tickEvents() []moveEvent {
	due := sayFact("tick: due", migration.MoveTicked{})
	due.Late = func(m move, now time.Time) time.Duration { return max(0, m.DueAt.Sub(now)) }
	return []moveEvent{sayFact("tick: at once", migration.MoveTicked{}), due}
}
