package appletest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// maxDeadline is how far ahead a migration deadline may be (Apple, "Migrating managed devices").
const maxDeadline = 90 * 24 * time.Hour

// activity is a call about the assignment of many devices, which Apple carries out later.
type activity struct {
	id, kind string
	org      *Organization
	service  *Service
	serials  []string
	deadline time.Time
	created  time.Time
	ended    time.Time // zero: not yet
	status   string
	sub      string
	applied  bool
	log      []logLine
	logKey   string // what makes the address of the log secret
}

// logLine is what became of one device.
type logLine struct{ serial, status, reason string }

// activityRequest is the body of POST /orgDeviceActivities (Apple, "OrgDeviceActivityCreateRequest").
type activityRequest struct {
	Data struct {
		Type       string
		Attributes struct {
			ActivityType         string
			ActivityTypeMetadata struct{ MdmMigrationDeadlineDateTime string }
		}
		Relationships struct {
			MdmServer struct {
				Data struct{ Type, ID string }
			}
			Devices struct {
				Data []struct{ Type, ID string }
			}
		}
	}
}

// kinds says which activity types there are, and what each needs. Releasing devices is left out: it cannot be undone, and
// nothing here may do it.
var kinds = map[string]struct{ server, deadline bool }{
	"ASSIGN_DEVICES":   {server: true},
	"UNASSIGN_DEVICES": {server: true},
	"ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE": {server: true, deadline: true},
	"UPDATE_MDM_MIGRATION_DEADLINE":              {deadline: true},
	"CANCEL_MDM_MIGRATION":                       {},
}

func (c call) createActivity(o *Organization) answer {
	var r activityRequest
	if json.Unmarshal(c.body, &r) != nil || r.Data.Type != "orgDeviceActivities" {
		return apiError(http.StatusBadRequest, "BAD_REQUEST", "")
	}
	data, now := r.Data, c.apple.clock()
	needs, known := kinds[data.Attributes.ActivityType]
	if !known || c.apple.behavior.NoMigrationAPI && data.Attributes.ActivityType != "ASSIGN_DEVICES" && data.Attributes.ActivityType != "UNASSIGN_DEVICES" {
		return apiError(http.StatusUnprocessableEntity, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/activityType")
	}
	act := &activity{id: c.apple.dashedUUID(), kind: data.Attributes.ActivityType, org: o, created: now, logKey: c.apple.randomHex(16)}
	if needs.server {
		if act.service = o.service(data.Relationships.MdmServer.Data.ID); act.service == nil {
			return apiError(http.StatusConflict, "CONFLICT", "/data/relationships/mdmServer/data/id")
		}
	}
	if needs.deadline {
		at, err := time.Parse(time.RFC3339, data.Attributes.ActivityTypeMetadata.MdmMigrationDeadlineDateTime)
		if err != nil || at.Sub(now) > maxDeadline {
			return apiError(http.StatusConflict, "CONFLICT", "/data/attributes/activityTypeMetadata/mdmMigrationDeadlineDateTime")
		}
		act.deadline = at
	}
	if len(data.Relationships.Devices.Data) == 0 {
		return apiError(http.StatusConflict, "ENTITY_ERROR.RELATIONSHIP.REQUIRED", "/data/relationships/devices")
	}
	for _, d := range data.Relationships.Devices.Data {
		if c.apple.behavior.RefuseUnknownSerials && o.devices[d.ID] == nil {
			return apiError(http.StatusConflict, "MISSING_RESOURCES", "/data/relationships/devices/data")
		}
		act.serials = append(act.serials, d.ID)
	}
	c.apple.activities = append(c.apple.activities, act)
	return answer{status: http.StatusCreated, value: map[string]any{"data": act.view(c)}}
}

func (c call) getActivity(o *Organization, id string) answer {
	i := slices.IndexFunc(c.apple.activities, func(act *activity) bool { return act.id == id && act.org == o })
	if i < 0 {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	return ok(map[string]any{"data": c.apple.activities[i].view(c)})
}

func (act *activity) view(c call) map[string]any {
	attributes := map[string]any{
		"activityType": act.kind, "createdDateTime": act.created.Format(time.RFC3339), "status": "IN_PROGRESS", "subStatus": "SUBMITTED",
	}
	if !act.ended.IsZero() {
		attributes["status"], attributes["subStatus"] = act.status, act.sub
	}
	if act.status == "COMPLETED" {
		attributes["completedDateTime"] = act.ended.Format(time.RFC3339)
		attributes["downloadUrl"] = c.apple.behavior.logBase() + logPath + act.id + ".csv?signature=" + act.logKey
	}
	return map[string]any{"type": "orgDeviceActivities", "id": act.id, "attributes": attributes}
}

// advance carries out what is due; needs the lock. An activity may say that it has ended before its devices have moved.
func (a *Apple) advance() {
	now := a.clock()
	for _, act := range a.activities {
		if due := act.created.Add(a.behavior.ActivityLag); act.ended.IsZero() && !now.Before(due) {
			act.ended, act.status, act.sub = due, "COMPLETED", "COMPLETED_WITH_SUCCESS"
			if end := a.behavior.ActivityEnd; end != "" {
				act.status, act.sub, act.applied = end, end, true
			}
		}
		if !act.ended.IsZero() && !act.applied && !now.Before(act.ended.Add(a.behavior.AssignmentLag)) {
			act.applied = true
			act.apply(now)
		}
	}
}
