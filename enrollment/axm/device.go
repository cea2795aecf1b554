package axm

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

var errAttributes = errors.New("its attributes are not as documented")

// Device is a device of the organization (Apple, "OrgDevice"). What Apple does not send is empty.
type Device struct {
	Serial      string
	Model       string // "MacBook Air"
	Family      string // "MAC", "IPHONE", "APPLE_TV"
	ProductType string // "Mac14,2"
	Status      string // "ASSIGNED" to a service, or "UNASSIGNED"

	// MigrationCapable is whether the device can move to another service without an erase; nil: Apple does not say.
	MigrationCapable  *bool
	MigrationStatus   string // "REQUESTED", "STARTED", "SUCCESS" or "FAILED"
	MigrationDeadline time.Time

	Added    time.Time // to the organization
	Updated  time.Time
	Released time.Time // from the organization; only in the answer about a single device
}

// Server is a device management service (Apple, "MdmServer").
type Server struct {
	ID        string // likely the server_uuid of the device assignment service; Apple does not say so
	Name      string
	Type      string // "MDM", "APPLE_CONFIGURATOR" or "APPLE_MDM"
	Status    string // "ACTIVE", "INACTIVE" or "DELETED"
	Devices   int
	Connected time.Time // when its token was used last; zero: never, or not told
	Created   time.Time
	Updated   time.Time
}

const (
	deviceType = "orgDevices"
	serverType = "mdmServers"
)

// flag is a switch that may be missing. A value of another kind is missing.
type flag struct{ value *bool }

func (f *flag) UnmarshalJSON(raw []byte) error {
	var b *bool
	if json.Unmarshal(raw, &b) == nil {
		f.value = b
	}
	return nil
}

func readDevice(r resource) (Device, error) {
	var a struct {
		Model    untrusted.Text `json:"deviceModel"`
		Family   untrusted.Text `json:"productFamily"`
		Product  untrusted.Text `json:"productType"`
		Status   untrusted.Text `json:"status"`
		Capable  flag           `json:"isMdmMigrationCapable"`
		State    untrusted.Text `json:"mdmMigrationStatus"`
		Deadline untrusted.Text `json:"mdmMigrationDeadlineDateTime"`
		Added    untrusted.Text `json:"addedToOrgDateTime"`
		Updated  untrusted.Text `json:"updatedDateTime"`
		Released untrusted.Text `json:"releasedFromOrgDateTime"`
	}
	if err := r.attributes(&a); err != nil {
		return Device{}, err
	}
	return Device{
		Serial: r.ID.ID(), Model: a.Model.Shown(), Family: a.Family.ID(), ProductType: a.Product.ID(), Status: a.Status.ID(),
		MigrationCapable: a.Capable.value, MigrationStatus: a.State.ID(), MigrationDeadline: a.Deadline.At(),
		Added: a.Added.At(), Updated: a.Updated.At(), Released: a.Released.At(),
	}, nil
}

func readServer(r resource) (Server, error) {
	var a struct {
		Name      untrusted.Text  `json:"serverName"`
		Type      untrusted.Text  `json:"serverType"`
		Status    untrusted.Text  `json:"status"`
		Devices   untrusted.Count `json:"deviceCount"`
		Connected untrusted.Text  `json:"lastConnectedDateTime"`
		Created   untrusted.Text  `json:"createdDateTime"`
		Updated   untrusted.Text  `json:"updatedDateTime"`
	}
	if err := r.attributes(&a); err != nil {
		return Server{}, err
	}
	return Server{
		ID: r.ID.ID(), Name: a.Name.Shown(), Type: a.Type.ID(), Status: a.Status.ID(), Devices: int(a.Devices),
		Connected: a.Connected.At(), Created: a.Created.At(), Updated: a.Updated.At(),
	}, nil
}

func readID(r resource) (string, error) { return r.ID.ID(), nil }

// Devices lists every device of the organization. An error ends the list; what came before is not all.
func (c *Client) Devices(ctx context.Context) iter.Seq2[Device, error] {
	return list(ctx, c, "/v1/orgDevices", deviceType, readDevice)
}

// Device shows one device. [ErrNotFound]: the organization does not have it.
func (c *Client) Device(ctx context.Context, serial string) (Device, error) {
	k, err := named("/v1/orgDevices/", serial, "")
	if err != nil {
		return Device{}, err
	}
	d, err := one(ctx, c, k, deviceType, readDevice)
	if err == nil && d.Serial != serial {
		return Device{}, other(k)
	}
	return d, err
}

// AssignedServer says which service has a device; empty: none. Apple answers 404 also for a device that has none, so that a
// device that the organization does not have looks the same; see [Client.Device].
func (c *Client) AssignedServer(ctx context.Context, serial string) (serverID string, err error) {
	k, err := named("/v1/orgDevices/", serial, "/relationships/assignedServer")
	if err != nil {
		return "", err
	}
	var answer struct {
		Data *resource `json:"data"`
	}
	err = c.do(ctx, k, &answer)
	switch {
	case errors.Is(err, ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case answer.Data == nil, answer.Data.ID == "": // observed for a device without a service
		return "", nil
	}
	return typed(k.op(), *answer.Data, serverType, readID)
}

// Servers lists the services of the organization.
func (c *Client) Servers(ctx context.Context) iter.Seq2[Server, error] {
	return list(ctx, c, "/v1/mdmServers", serverType, readServer)
}

// Server shows one service (API 2.1; before it Apple answers [ErrForbidden]).
func (c *Client) Server(ctx context.Context, id string) (Server, error) {
	k, err := named("/v1/mdmServers/", id, "")
	if err != nil {
		return Server{}, err
	}
	s, err := one(ctx, c, k, serverType, readServer)
	if err == nil && s.ID != id {
		return Server{}, other(k)
	}
	return s, err
}

// ServerSerials lists the serial numbers of the devices of a service: the read-back in bulk.
func (c *Client) ServerSerials(ctx context.Context, serverID string) iter.Seq2[string, error] {
	k, err := named("/v1/mdmServers/", serverID, "/relationships/devices")
	if err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return list(ctx, c, k.path, deviceType, readID)
}

// named makes the question about one thing. Its ID comes from outside, so it may not lead to another path.
func named(before, id, after string) (call, error) {
	if !untrusted.Identifier(id, 128) || id != url.PathEscape(id) || id == "." || id == ".." {
		return call{}, wrongInput("%q is no ID", untrusted.Clean(id, 128))
	}
	return call{method: http.MethodGet, path: before + id + after}, nil
}
