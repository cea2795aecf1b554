package axm

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// MaxDevices is how many devices one activity names at most. Apple documents no limit; the portal takes 1024.
const MaxDevices = 1000

// MaxDeadline is how far ahead Apple takes a migration deadline (Apple, "Migrating managed devices", 2026).
const MaxDeadline = 90 * 24 * time.Hour

const activityType = "orgDeviceActivities"

// ActivityType is what an activity does.
type ActivityType string

// The activity types (Apple, "OrgDeviceActivityType"), without RELEASE_DEVICES.
const (
	AssignDevices            ActivityType = "ASSIGN_DEVICES"
	UnassignDevices          ActivityType = "UNASSIGN_DEVICES"
	AssignWithDeadline       ActivityType = "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE"
	UpdateMigrationDeadline  ActivityType = "UPDATE_MDM_MIGRATION_DEADLINE"
	CancelMigrationOfDevices ActivityType = "CANCEL_MDM_MIGRATION"
)

// ActivityStatus is where an activity stands. Apple may send others than the documented.
type ActivityStatus string

// The documented statuses.
const (
	InProgress ActivityStatus = "IN_PROGRESS"
	Completed  ActivityStatus = "COMPLETED" // says nothing about a single device
	Stopped    ActivityStatus = "STOPPED"
	Failed     ActivityStatus = "FAILED"
)

// Activity is a call about many devices, which Apple carries out within minutes.
type Activity struct {
	ID        string
	Type      ActivityType
	Status    ActivityStatus
	SubStatus string // such as "COMPLETED_WITH_ERROR"
	Created   time.Time
	Completed time.Time

	log abmtoken.Secret // the signed address of the log: who has it needs no token
}

// Ended reports whether nothing more comes of the activity.
func (a Activity) Ended() bool {
	return a.Status == Completed || a.Status == Stopped || a.Status == Failed
}

// HasLog reports whether Apple has said where the log is. It keeps logs for 30 days.
func (a Activity) HasLog() bool { return !a.log.IsZero() }

func readActivity(r resource) (Activity, error) {
	var a struct {
		Type      untrusted.Text `json:"activityType"`
		Status    untrusted.Text `json:"status"`
		SubStatus untrusted.Text `json:"subStatus"`
		Created   untrusted.Text `json:"createdDateTime"`
		Completed untrusted.Text `json:"completedDateTime"`
		Log       untrusted.Text `json:"downloadUrl"`
	}
	if err := r.attributes(&a); err != nil {
		return Activity{}, err
	}
	out := Activity{
		ID: r.ID.ID(), Type: ActivityType(a.Type.ID()), Status: ActivityStatus(a.Status.ID()), SubStatus: a.SubStatus.ID(),
		Created: a.Created.At(), Completed: a.Completed.At(),
	}
	if len(a.Log) <= maxLogURL {
		out.log = abmtoken.NewSecret(string(a.Log))
	}
	return out, nil
}

// Assign assigns devices to a service. One that has another service is taken from it. One that has this service already loses
// its enrollment profile all the same.
func (c *Client) Assign(ctx context.Context, serverID string, serials ...string) (Activity, error) {
	return c.begin(ctx, AssignDevices, serverID, time.Time{}, serials)
}

// Unassign takes devices from a service.
func (c *Client) Unassign(ctx context.Context, serverID string, serials ...string) (Activity, error) {
	return c.begin(ctx, UnassignDevices, serverID, time.Time{}, serials)
}

// AssignWithDeadline assigns devices to a service and has them move there by a deadline, without an erase (API 2.3, schools
// 1.6).
func (c *Client) AssignWithDeadline(ctx context.Context, serverID string, deadline time.Time, serials ...string) (Activity, error) {
	return c.begin(ctx, AssignWithDeadline, serverID, deadline, serials)
}

// UpdateDeadline brings the deadline of migrations forward; one that has passed is enforced now.
func (c *Client) UpdateDeadline(ctx context.Context, deadline time.Time, serials ...string) (Activity, error) {
	return c.begin(ctx, UpdateMigrationDeadline, "", deadline, serials)
}

// CancelMigration takes the deadline from devices that have not moved yet.
func (c *Client) CancelMigration(ctx context.Context, serials ...string) (Activity, error) {
	return c.begin(ctx, CancelMigrationOfDevices, "", time.Time{}, serials)
}

// Activity asks where an activity stands.
func (c *Client) Activity(ctx context.Context, id string) (Activity, error) {
	k, err := named("/v1/orgDeviceActivities/", id, "")
	if err != nil {
		return Activity{}, err
	}
	a, err := one(ctx, c, k, activityType, readActivity)
	if err == nil && a.ID != id {
		return Activity{}, other(k)
	}
	return a, err
}

// reference names another entry (JSON:API).
type reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type related[T any] struct {
	Data T `json:"data"`
}

// begin asks for an activity. What can be told before is refused before: nothing was sent then.
func (c *Client) begin(ctx context.Context, kind ActivityType, serverID string, deadline time.Time, serials []string) (Activity, error) {
	devices, err := references(serials)
	if err != nil {
		return Activity{}, err
	}
	body := activityBody{Type: activityType}
	body.Attributes.Type, body.Relationships.Devices.Data = kind, devices
	if kind == AssignDevices || kind == UnassignDevices || kind == AssignWithDeadline {
		if _, err := named("", serverID, ""); err != nil {
			return Activity{}, err
		}
		body.Relationships.Server = &related[reference]{reference{serverType, serverID}}
	}
	if kind == AssignWithDeadline || kind == UpdateMigrationDeadline {
		if deadline.IsZero() || deadline.Sub(c.service.now()) > MaxDeadline {
			return Activity{}, wrongInput("a migration deadline is at most 90 days ahead")
		}
		body.Attributes.Metadata = &metadata{deadline.UTC().Format(time.RFC3339)}
	}
	k := call{method: http.MethodPost, path: "/v1/orgDeviceActivities", body: related[activityBody]{body}, write: true}
	return one(ctx, c, k, activityType, readActivity)
}

type metadata struct {
	Deadline string `json:"mdmMigrationDeadlineDateTime"`
}

type activityBody struct {
	Type       string `json:"type"`
	Attributes struct {
		Type     ActivityType `json:"activityType"`
		Metadata *metadata    `json:"activityTypeMetadata,omitempty"`
	} `json:"attributes"`
	Relationships struct {
		Server  *related[reference]  `json:"mdmServer,omitempty"`
		Devices related[[]reference] `json:"devices"`
	} `json:"relationships"`
}

// references checks serial numbers before they are sent.
func references(serials []string) ([]reference, error) {
	if len(serials) == 0 || len(serials) > MaxDevices {
		return nil, wrongInput("an activity is about 1 to %d devices, not %d", MaxDevices, len(serials))
	}
	seen := make(map[string]struct{}, len(serials))
	out := make([]reference, len(serials))
	for i, serial := range serials {
		if !untrusted.Identifier(serial, 64) {
			return nil, wrongInput("%q is no serial number", untrusted.Clean(serial, 64))
		}
		if _, twice := seen[serial]; twice {
			return nil, wrongInput("serial number %s is named twice", serial)
		}
		seen[serial] = struct{}{}
		out[i] = reference{deviceType, serial}
	}
	return out, nil
}

// other is an answer about something else than what was asked for.
func other(k call) error { return fmt.Errorf("%w: %s: it is about another one", ErrAnswer, k.op()) }
