package appletest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// apiView is a service as the API shows it (Apple, "MdmServer"). That its ID is the server_uuid of the device assignment
// service is likely, and not documented.
func (s *Service) apiView() map[string]any {
	attributes := map[string]any{
		"serverName": s.name, "serverType": "MDM", "status": "ACTIVE",
		"deviceCount":     len(s.org.sorted(func(d *device) bool { return d.service == s })),
		"createdDateTime": s.created.Format(time.RFC3339), "updatedDateTime": s.updated.Format(time.RFC3339),
	}
	if !s.connected.IsZero() {
		attributes["lastConnectedDateTime"] = s.connected.Format(time.RFC3339)
	}
	return map[string]any{"type": "mdmServers", "id": s.uuid, "attributes": attributes}
}

func (o *Organization) service(uuid string) *Service {
	for _, s := range o.services {
		if s.uuid == uuid && !s.deleted {
			return s
		}
	}
	return nil
}

func (c call) mdmServers(o *Organization) answer {
	var out []map[string]any
	for _, s := range o.services {
		if !s.deleted {
			out = append(out, s.apiView())
		}
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(a["id"].(string), b["id"].(string)) })
	return c.apiPage(out)
}

func (c call) mdmServer(o *Organization, uuid string) answer {
	s := o.service(uuid)
	if s == nil {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	return ok(map[string]any{"data": s.apiView()})
}

func (c call) serverDevices(o *Organization, uuid string) answer {
	s := o.service(uuid)
	if s == nil {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	var out []map[string]any
	for _, d := range o.sorted(func(d *device) bool { return d.service == s }) {
		out = append(out, map[string]any{"type": "orgDevices", "id": d.Serial})
	}
	return c.apiPage(out)
}

// serverRequest is the body of both calls that change a service.
type serverRequest struct {
	Data struct {
		Type, ID   string
		Attributes struct {
			ServerName        *string
			ServerCertificate *struct{ Name, Data string }
		}
	}
}

// certificate reads the certificate of a request; nil: it has none.
func (r serverRequest) certificate() (*certificate, answer) {
	sent := r.Data.Attributes.ServerCertificate
	if sent == nil {
		return nil, answer{}
	}
	bad := apiError(http.StatusConflict, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/serverCertificate")
	file, err := base64.StdEncoding.DecodeString(sent.Data)
	if err != nil || sent.Name == "" {
		return nil, bad
	}
	cert, err := readCertificate(file)
	if err != nil {
		return nil, bad
	}
	return cert, answer{}
}

func (c call) createServer(o *Organization) answer {
	var r serverRequest
	if json.Unmarshal(c.body, &r) != nil || r.Data.Type != "mdmServers" {
		return apiError(http.StatusBadRequest, "BAD_REQUEST", "")
	}
	cert, res := r.certificate()
	name := r.Data.Attributes.ServerName
	switch {
	case !res.isZero():
		return res
	case cert == nil || name == nil:
		return apiError(http.StatusConflict, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", "/data/attributes")
	}
	s, err := o.addService(*name, cert)
	if errors.Is(err, ErrName) {
		return apiError(http.StatusConflict, "CONFLICT", "/data/attributes/serverName")
	}
	if err != nil {
		return apiError(http.StatusConflict, "CONFLICT", "")
	}
	return answer{status: http.StatusCreated, value: map[string]any{"data": s.apiView()}}
}

func (c call) updateServer(o *Organization, uuid string) answer {
	s := o.service(uuid)
	if s == nil {
		return apiError(http.StatusNotFound, "NOT_FOUND", "")
	}
	var r serverRequest
	if json.Unmarshal(c.body, &r) != nil || r.Data.Type != "mdmServers" || r.Data.ID != uuid {
		return apiError(http.StatusBadRequest, "BAD_REQUEST", "")
	}
	cert, res := r.certificate()
	if !res.isZero() {
		return res
	}
	if name := r.Data.Attributes.ServerName; name != nil {
		if o.checkName(*name, s) != nil {
			return apiError(http.StatusConflict, "CONFLICT", "/data/attributes/serverName")
		}
		s.name = *name
	}
	if cert != nil {
		s.replaceCertificate(cert)
	}
	s.updated = o.apple.clock()
	return ok(map[string]any{"data": s.apiView()})
}
