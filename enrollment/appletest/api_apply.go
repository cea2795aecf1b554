package appletest

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"time"
)

// logPath is where the logs of activities are; the rest of the address is Apple's own affair.
const logPath = "/itunes-assets/activities/"

// apply does what an activity asks for, device by device. Apple does not document what the log says of each.
func (act *activity) apply(now time.Time) {
	for _, serial := range act.serials {
		d := act.org.devices[serial]
		if d == nil {
			if !act.org.apple.behavior.SilentUnknownSerials {
				act.fail(serial, "DEVICE_NOT_FOUND")
			}
			continue
		}
		if reason := act.applyTo(d, now); reason != "" {
			act.fail(serial, reason)
			continue
		}
		act.log = append(act.log, logLine{serial, "SUCCESS", ""})
	}
}

func (act *activity) fail(serial, reason string) {
	act.sub = "COMPLETED_WITH_ERROR"
	act.log = append(act.log, logLine{serial, "FAILED", reason})
}

func (act *activity) applyTo(d *device, now time.Time) (reason string) {
	const by = "API"
	switch act.kind {
	case "ASSIGN_DEVICES":
		d.assign(act.service, by, time.Time{}, now)
	case "UNASSIGN_DEVICES":
		if d.service != act.service {
			return "NOT_ASSIGNED"
		}
		d.leave(now)
	case "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE":
		if !d.Migrates {
			return "NOT_MIGRATION_CAPABLE"
		}
		d.assign(act.service, by, act.deadline, now)
	case "UPDATE_MDM_MIGRATION_DEADLINE":
		if d.migration != MigrationRequested {
			return "NOT_MIGRATING"
		}
		d.deadline = act.deadline
		d.service.note(opModified, d, now)
	case "CANCEL_MDM_MIGRATION":
		if d.migration != MigrationRequested {
			return "NOT_MIGRATING"
		}
		d.stay(by, now)
	}
	return ""
}

// activityLog answers the host of the logs. Its addresses are signed: who has one needs no token, and a token would be given
// away to another host.
func (c call) activityLog() answer {
	if c.request.Header.Get("Authorization") != "" {
		return answer{status: http.StatusBadRequest, code: "AuthorizationNotAllowed"}
	}
	id := strings.TrimSuffix(strings.TrimPrefix(c.request.URL.Path, logPath), ".csv")
	for _, act := range c.apple.activities {
		if act.id == id && act.logKey == c.request.URL.Query().Get("signature") && !act.ended.IsZero() {
			return answer{status: http.StatusOK, raw: act.csv(c.apple.behavior.LogColumns)}.set("Content-Type", "text/csv")
		}
	}
	return answer{status: http.StatusForbidden, code: "AccessDenied"}
}

// csv writes the log. Apple does not document its columns.
func (act *activity) csv(columns []string) []byte {
	if len(columns) != 3 {
		columns = []string{"Serial Number", "Status", "Error"}
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(columns) // to memory
	for _, line := range act.log {
		_ = w.Write([]string{line.serial, line.status, line.reason})
	}
	w.Flush()
	return out.Bytes()
}
