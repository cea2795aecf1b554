package migration_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

func (h *moveHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	arg := ""
	if len(c.Args) > 0 {
		arg = c.Args[0]
	}
	if !h.world(c.Name, arg) {
		ev, err := h.event(c, arg)
		if err != nil {
			return "", err
		}
		if ev != nil {
			h.take(ev)
		}
		h.settle()
	}
	return h.told(c), nil
}

// world changes what the world is like from now on; it reports whether the command does.
func (h *moveHost) world(name, arg string) bool {
	outcome := enrollment.Outcome(map[string]string{"lost": "unknown", "unsent": "retry"}[arg])
	if outcome == "" {
		outcome = enrollment.Outcome(arg)
	}
	switch name {
	case "mdm":
		switch arg {
		case "all":
			h.can = everyAbility
		case "nothing":
			h.can = enrollment.WipeAbilities{}
		case "gone", "back":
			h.gone = arg == "gone"
		case "locked", "open":
			h.locked = arg == "locked"
		case "pin":
			h.facts = func(f *enrollment.DeviceFacts) { f.AppleSilicon = enrollment.No }
		case "shared":
			h.facts = func(f *enrollment.DeviceFacts) { f.SharedIPad = enrollment.Yes }
		}
	case "dispatcher":
		h.dispatch = outcome
	case "recall":
		h.recall = outcome
	case "unlock":
		h.unlock = outcome
	case "status":
		h.status = enrollment.WipeState(arg)
	case "crash":
		h.lose = true
	default:
		return false
	}
	return true
}

func (h *moveHost) event(c machinetest.Command, arg string) (migration.MoveEvent, error) {
	outcome := enrollment.Outcome(arg)
	switch c.Name {
	case "move":
		return nil, h.start(c, migration.Strategy(arg))
	case "batch":
		return migration.AssignStarted{Batch: "bat_1", Deadline: h.now.Add(span(c.Value("deadline", "30d")))}, nil
	case "assigned":
		return migration.AssignResult{Batch: "bat_1", Outcome: outcome, Reason: "CONFLICT"}, nil
	case "profiled":
		return migration.ProfileResult{Outcome: outcome, Reason: "NOT_ACCESSIBLE"}, nil
	case "undone":
		return migration.DeadlineCancelled{Outcome: outcome, Reason: "CONFLICT"}, nil
	case "service":
		if h.shown = arg; arg == "fetched" {
			h.fetched = h.now
		}
		return migration.ReadBack{Seen: h.look()}, nil
	case "turn":
		wave, _ := strconv.Atoi("0" + arg)
		return migration.TurnCalled{Wave: max(wave, 1)}, nil
	case "end":
		return migration.TurnEnded{}, nil
	case "release":
		return migration.WipeReleased{Approval: c.Value("approval", "apr_1"), SendBy: h.now.Add(migration.SendWithin)}, nil
	case "gate":
		return migration.GateClosed{}, nil
	case "skip":
		return migration.SkipRequested{By: tess}, nil
	case "cancel":
		return migration.CancelRequested{By: tess}, nil
	case "retry":
		return migration.RetryRequested{By: tess, Decision: migration.Decision{Strategy: migration.Strategy(arg)}}, nil
	case "tick":
		h.tick(span(arg))
		return nil, nil
	}
	return h.happens(c, arg)
}

func (h *moveHost) start(c machinetest.Command, s migration.Strategy) error {
	q := migration.MoveRequest{
		ID: "mov_1", Tenant: "acme", Plan: "pln_1", Device: ourMac(), Route: route,
		Decision: migration.Decision{Strategy: s, Reasons: []migration.Reason{migration.NotManaged}},
	}
	if c.Has("one-mdm") {
		q.Route = within()
	}
	if s == migration.Wipe {
		q.Decision = toWipe(q.Device)
	}
	if c.Has("phone") {
		phone(&q)
	}
	tr, err := migration.StartMove(h.now, q)
	h.m = tr.Move
	return err
}

// happens is what an MDM or Apple tells about the device.
func (h *moveHost) happens(c machinetest.Command, arg string) (migration.MoveEvent, error) {
	kinds := map[string]enrollment.DeviceEventKind{
		"authenticate": enrollment.DeviceAuthenticated, "enroll": enrollment.DeviceEnrolled, "fetch": enrollment.DeviceProfileFetched,
		"answer": enrollment.DeviceWipeAnswered, "released": enrollment.DeviceReleased, "elsewhere": enrollment.DeviceReassigned,
	}
	kind, known := kinds[c.Name]
	if !known {
		return nil, fmt.Errorf("nobody knows this command")
	}
	h.now = h.now.Add(time.Second) // two facts are not of the same instant
	e := enrollment.DeviceEvent{Kind: kind, Tenant: "acme", Serial: ourSerial, UDID: ourUDID, At: h.now.Add(-span(c.Value("ago", "0s")))}
	switch c.Name {
	case "authenticate", "enroll":
		e.MDM, e.Server = h.m.Route.OldMDM, enrollment.ServerID(c.Value("by", ""))
		if arg == "new" {
			e.MDM = h.m.Route.NewMDM
		}
	case "fetch":
		e.Server, h.shown, h.fetched = h.m.Route.To, "fetched", e.At
	case "answer":
		e.MDM, e.Wipe = h.m.Route.OldMDM, &enrollment.WipeAnswer{Command: c.Value("command", ""), State: enrollment.WipeState(arg), Reason: "no bootstrap token"}
		if h.m.Wipe != nil && e.Wipe.Command == "" {
			e.Wipe.Command = h.m.Wipe.Command
		}
	case "elsewhere":
		e.Server = "srv_other"
	}
	return migration.Observed{DeviceEvent: e}, nil
}

// span reads "3d", "1h30m".
func span(text string) time.Duration {
	if n, found := strings.CutSuffix(text, "d"); found {
		if days, err := strconv.Atoi(n); err == nil {
			return time.Duration(days) * day
		}
	}
	d, _ := time.ParseDuration(text)
	return d
}
