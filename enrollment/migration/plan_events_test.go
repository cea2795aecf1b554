package migration_test

import (
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

// allPlanEvents are all ways in which something can happen to a plan.
func allPlanEvents() []planEvent {
	return slices.Concat(planAsks(), planFacts(), planResults(), planTicks())
}

func planAsk(name string, of func(p migration.Plan) migration.PlanEvent) planEvent {
	return planEvent{Name: name, Asked: true, Of: func(p migration.Plan, _ time.Time) migration.PlanEvent { return of(p) }}
}

func planFact(name string, of func(p migration.Plan) migration.PlanEvent) planEvent {
	return planEvent{Name: name, Of: func(p migration.Plan, _ time.Time) migration.PlanEvent { return of(p) }}
}

func planAsks() []planEvent {
	list := func(name string, digest string, l migration.Listing) planEvent {
		return planAsk("devices_listed: "+name, func(migration.Plan) migration.PlanEvent {
			return migration.DevicesListed{By: tess, Digest: digest, Listing: l, Refused: 1}
		})
	}
	submit := func(name string, lately int, target migration.Target) planEvent {
		return planAsk("submit: "+name, func(migration.Plan) migration.PlanEvent {
			return migration.SubmitRequested{By: tess, Target: target, Lately: lately}
		})
	}
	approve := func(name string, by enrollment.Actor, lately int, digest string) planEvent {
		return planAsk("approve: "+name, func(p migration.Plan) migration.PlanEvent {
			seen := p.Digest
			if digest != "" {
				seen = digest
			}
			return migration.ApproveRequested{By: by, Digest: seen, Lately: lately}
		})
	}
	resume := func(name string, target migration.Target) planEvent {
		return planAsk("resume: "+name, func(migration.Plan) migration.PlanEvent { return migration.ResumeRequested{By: tess, Target: target} })
	}
	rejected, lost, bare := ready, ready, ready
	rejected.Health, lost.Health, bare.Profile = enrollment.Rejected, enrollment.Missing, ""
	return []planEvent{
		list("few", "d_small", small), list("many", "d_large", large), list("nothing to wipe", "d_gentle", gentle), list("no device", "d_none", migration.Listing{}),
		submit("ready", 0, ready), submit("others were wiped lately", 100, ready),
		submit("token rejected", 0, rejected), submit("no token", 0, lost), submit("no profile", 0, bare),
		approve("by another", bob, 0, ""), approve("by a third", cem, 0, ""), approve("by another, others were wiped lately", bob, 100, ""),
		approve("by the author", tess, 0, ""), approve("by a key", bot, 0, ""), approve("of something else", bob, 0, "d_other"),
		planAsk("reject", func(migration.Plan) migration.PlanEvent { return migration.RejectRequested{By: bob, Reason: "not now"} }),
		planAsk("start", func(migration.Plan) migration.PlanEvent { return migration.StartRequested{By: tess} }),
		planAsk("pause", func(migration.Plan) migration.PlanEvent {
			return migration.PauseRequested{By: bob, Reason: "holidays"}
		}),
		resume("ready", ready), resume("token rejected", rejected),
		planAsk("cancel", func(migration.Plan) migration.PlanEvent { return migration.CancelRequested{By: bob} }),
		planAsk("exclude", func(migration.Plan) migration.PlanEvent {
			return migration.DeviceExcluded{By: bob, Serial: "C1", Strategy: migration.Wipe}
		}),
		planAsk("retry_device", func(migration.Plan) migration.PlanEvent { return migration.DeviceRetried{By: bob, Serial: "C1"} }),
	}
}

func planFacts() []planEvent {
	fact := func(name string, ev migration.PlanEvent) planEvent {
		return planFact(name, func(migration.Plan) migration.PlanEvent { return ev })
	}
	wave := func(name string, track migration.Track, state migration.WaveState) planEvent {
		return planFact("wave_ended: "+name, func(p migration.Plan) migration.PlanEvent {
			live := p.Wipes.Live
			if track == migration.TrackMigrations {
				live = p.Migrates.Live
			}
			return migration.WaveEnded{Wave: live, Track: track, State: state, Size: 5, Failed: 3}
		})
	}
	return []planEvent{
		fact("push_lost", migration.PushLost{}), fact("push_restored", migration.PushRestored{}), fact("service_gone", migration.ServiceGone{}),
		fact("profile_gone", migration.ProfileGone{}), fact("device_revived", migration.DeviceRevived{}),
		fact("switch_set: thrown", migration.SwitchSet{Thrown: true}), fact("switch_set: lifted", migration.SwitchSet{}),
		wave("passed", migration.TrackWipes, migration.WavePassed), wave("failed", migration.TrackWipes, migration.WaveFailed),
		wave("closed", migration.TrackWipes, migration.WaveOver), wave("of migrations, passed", migration.TrackMigrations, migration.WavePassed),
		fact("wave_ended: of another plan", migration.WaveEnded{Wave: "pln_2/wave/1", Track: migration.TrackWipes, State: migration.WavePassed}),
		wave("not yet", migration.TrackWipes, migration.WaveWatching),
	}
}

// tally counts so many devices in each state; those that wait for a turn or batch are counted by the plan's own list.
func tally(states map[migration.MoveState]int) migration.Tally {
	t := migration.Tally{States: states}
	for state, n := range states {
		switch state {
		case migration.MoveQueued:
			t.Queued += n
			t.Unwiped += n
		case migration.MoveTurn:
			t.ToWipe += n
			t.Unwiped += n
		case migration.MoveFailed:
			t.Failed += n
		}
		if slices.Contains(migration.AwayStates(), state) {
			t.Away += n
		}
		if !state.Live() {
			t.Ended += n
		}
	}
	return t
}

func planResults() []planEvent {
	counted := func(name string, outcome enrollment.Outcome, of func(p migration.Plan) migration.Tally) planEvent {
		return planFact("counted: "+name, func(p migration.Plan) migration.PlanEvent {
			return migration.Counted{
				Result: enrollment.Result{Effect: pendingOf(p.Pending, enrollment.CountMoves), Outcome: outcome}, Tally: of(p),
			}
		})
	}
	all := func(state migration.MoveState) func(p migration.Plan) migration.Tally {
		return func(p migration.Plan) migration.Tally {
			return tally(map[migration.MoveState]int{state: p.Listing.Devices})
		}
	}
	result := func(name string, kind enrollment.EffectKind, outcome enrollment.Outcome, of func(enrollment.Result) migration.PlanEvent) planEvent {
		return planFact(name, func(p migration.Plan) migration.PlanEvent {
			return of(enrollment.Result{Effect: pendingOf(p.Pending, kind), Outcome: outcome})
		})
	}
	told := func(r enrollment.Result) migration.PlanEvent { return migration.MovesTold{Result: r} }
	said := func(r enrollment.Result) migration.PlanEvent { return migration.PlanNotified{Result: r} }
	made := func(more bool) func(enrollment.Result) migration.PlanEvent {
		return func(r enrollment.Result) migration.PlanEvent { return migration.BatchesMade{Result: r, More: more} }
	}
	looking := func(away int, next string) func(enrollment.Result) migration.PlanEvent {
		return func(r enrollment.Result) migration.PlanEvent {
			return migration.Looking{Result: r, Away: away, Next: next}
		}
	}
	return []planEvent{
		counted("are away", enrollment.OK, all(migration.MoveReturning)),
		result("looking: at all", enrollment.LookUp, enrollment.OK, looking(5, "")), result("looking: there are more", enrollment.LookUp, enrollment.OK, looking(1000, "C500")),
		result("looking: none is away", enrollment.LookUp, enrollment.OK, looking(0, "")),
		result("looking: not now", enrollment.LookUp, enrollment.Retry, looking(0, "")),
		counted("queued", enrollment.OK, all(migration.MoveQueued)), counted("ready to be wiped", enrollment.OK, all(migration.MoveTurn)),
		counted("ready to migrate", enrollment.OK, func(p migration.Plan) migration.Tally {
			t := tally(map[migration.MoveState]int{migration.MoveQueued: p.Listing.Devices})
			t.Queued, t.ToMigrate = 0, p.Listing.Devices
			return t
		}),
		counted("all enrolled", enrollment.OK, all(migration.MoveEnrolled)), counted("all failed", enrollment.OK, all(migration.MoveFailed)),
		counted("many failed", enrollment.OK, func(p migration.Plan) migration.Tally {
			return tally(map[migration.MoveState]int{migration.MoveFailed: 12, migration.MoveEnrolled: 12, migration.MoveReturning: p.Listing.Devices})
		}),
		counted("few failed", enrollment.OK, func(p migration.Plan) migration.Tally {
			return tally(map[migration.MoveState]int{migration.MoveFailed: 4, migration.MoveEnrolled: 20, migration.MoveReturning: p.Listing.Devices})
		}),
		counted("migrations to undo", enrollment.OK, func(p migration.Plan) migration.Tally {
			t := tally(map[migration.MoveState]int{migration.MoveCancelling: p.Listing.Devices})
			t.Undoing = p.Listing.Devices
			return t
		}),
		counted("nothing at all", enrollment.OK, func(migration.Plan) migration.Tally { return migration.Tally{} }),
		counted("not now", enrollment.Retry, func(migration.Plan) migration.Tally { return migration.Tally{} }),
		result("batches_made: all", enrollment.MakeBatches, enrollment.OK, made(false)),
		result("batches_made: there are more", enrollment.MakeBatches, enrollment.OK, made(true)),
		result("batches_made: not now", enrollment.MakeBatches, enrollment.Unknown, made(false)),
		planFact("batch_ended", func(migration.Plan) migration.PlanEvent { return migration.BatchEnded{} }),
		result("moves_told: all", enrollment.TellMoves, enrollment.OK, told), result("moves_told: not now", enrollment.TellMoves, enrollment.Retry, told),
		result("notified: ok", enrollment.SendNotice, enrollment.OK, said), result("notified: not now", enrollment.SendNotice, enrollment.Retry, said),
	}
}

func planTicks() []planEvent {
	tick := func(name string, late func(p migration.Plan, now time.Time) time.Duration) planEvent {
		return planEvent{
			Name: "tick: " + name, Late: late,
			Of: func(migration.Plan, time.Time) migration.PlanEvent { return migration.PlanTicked{} },
		}
	}
	until := func(of func(p migration.Plan) time.Time) func(p migration.Plan, now time.Time) time.Duration {
		return func(p migration.Plan, now time.Time) time.Duration { return max(of(p).Sub(now), 0) }
	}
	return []planEvent{
		tick("at once", nil),
		tick("at the reminder", until(func(p migration.Plan) time.Time { return p.RemindAt })),
		tick("when its approval ends", until(func(p migration.Plan) time.Time { return p.ApprovedUntil })),
		tick("when its time is over", until(func(p migration.Plan) time.Time { return p.LapseAt })),
	}
}
