package appletest

import (
	"slices"
	"strings"
	"time"
)

// The values of op_type.
const (
	opAdded    = "added"
	opModified = "modified"
	opDeleted  = "deleted"
)

// deviceEvent is an entry of a service's sync list: the device as it was then.
type deviceEvent struct {
	op     string
	at     time.Time
	device device
}

// view is the entry as the service shows it.
func (e deviceEvent) view(version int, capitals bool) map[string]any {
	out := e.device.view(version)
	out["op_type"], out["op_date"] = e.op, e.at.Format(time.RFC3339)
	if capitals {
		out["op_type"] = strings.ToUpper(e.op)
	}
	return out
}

// note needs the lock.
func (s *Service) note(op string, d *device, now time.Time) {
	s.events = append(s.events, deviceEvent{op, now, *d})
}

// noteProfile notes a change of a profile, where [Behavior.ProfileEvents] has those listed.
func (s *Service) noteProfile(d *device, now time.Time) {
	if s.org.apple.behavior.ProfileEvents {
		s.note(opModified, d, now)
	}
}

// pageRequest is the body of both list calls.
type pageRequest struct {
	Cursor string `json:"cursor"`
	Limit  int    `json:"limit"`
}

// page reads the request and its cursor; without one, at is the zero cursor.
func (c call) page() (request pageRequest, at cursor, res answer) {
	if res = c.decode(&request); !res.isZero() {
		return
	}
	if request.Limit < 0 {
		return request, at, badRequest("MALFORMED_REQUEST_BODY")
	}
	if request.Limit == 0 {
		request.Limit = c.apple.behavior.pageDefault()
	}
	request.Limit = min(request.Limit, c.apple.behavior.pageMax())
	if request.Cursor != "" {
		at, res = c.apple.readCursor(request.Cursor, c.token.service)
	}
	return
}

// fetch answers POST /server/devices (Apple, "Get a list of devices"): what is assigned now, without op_type.
func (c call) fetch() answer {
	request, at, res := c.page()
	if !res.isZero() {
		return res
	}
	s := c.token.service
	if request.Cursor == "" {
		at = cursor{Event: len(s.events)} // what changes while pages are fetched comes with the first sync
	} else if at.Finished {
		return badRequest("EXHAUSTED_CURSOR")
	}
	var page []*device
	for _, d := range s.org.devices {
		if d.service == s && d.Serial > at.Serial {
			page = append(page, d)
		}
	}
	slices.SortFunc(page, func(x, y *device) int { return strings.Compare(x.Serial, y.Serial) })
	more := len(page) > request.Limit
	if more {
		page = page[:request.Limit]
		at.Serial = page[len(page)-1].Serial
	}
	at.Finished = !more
	views := make([]map[string]any, len(page))
	for i, d := range page {
		views[i] = d.view(c.version)
	}
	return c.list(views, request.Cursor, at, more)
}

// syncDevices answers POST /devices/sync (Apple, "Sync the list of devices"): what changed since the cursor.
func (c call) syncDevices() answer {
	request, at, res := c.page()
	if !res.isZero() {
		return res
	}
	if request.Cursor == "" {
		return badRequest("CURSOR_REQUIRED")
	}
	if !at.Finished {
		return badRequest("INVALID_CURSOR") // of a fetch that still has pages
	}
	events := c.token.service.events[at.Event:]
	more := len(events) > request.Limit
	if more {
		events = events[:request.Limit]
	}
	at.Event += len(events)
	views := make([]map[string]any, len(events))
	for i, e := range events {
		views[i] = e.view(c.version, c.apple.behavior.CapitalOps)
	}
	if c.apple.behavior.NewestFirst {
		slices.Reverse(views)
	}
	return c.list(views, request.Cursor, at, more)
}

func (c call) list(devices []map[string]any, asked string, next cursor, more bool) answer {
	id := c.apple.writeCursor(next, c.token.service)
	if asked != "" && c.apple.behavior.StuckCursor {
		id, more = asked, true
	}
	return ok(map[string]any{
		"devices": devices, "cursor": id, "more_to_follow": more,
		"fetched_until": c.apple.clock().Format(time.RFC3339),
	})
}
