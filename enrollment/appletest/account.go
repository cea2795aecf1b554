package appletest

// account answers GET /account (Apple, "Account detail"). Fields about the organization's identity, and the list of
// URLs, came with protocol version 3.
func (c call) account() answer {
	t, o := c.token, c.token.service.org
	out := map[string]any{
		"server_name":    t.service.name,
		"server_uuid":    t.service.uuid,
		"admin_id":       t.admin.account,
		"facilitator_id": t.admin.account,
		"org_name":       o.name,
		"org_email":      o.email,
		"org_phone":      o.phone,
		"org_address":    o.address,
	}
	if c.version >= 3 {
		out["org_id"] = o.id
		out["org_id_hash"] = o.idHash
		out["org_type"] = o.kind
		out["org_version"] = "v2"
		out["urls"] = c.apple.urls()
	}
	return ok(out)
}

type urlLimit struct {
	Default int `json:"default"`
	Maximum int `json:"maximum"`
}

type urlEntry struct {
	URI    string    `json:"uri"`
	Method []string  `json:"http_method"`
	Limit  *urlLimit `json:"limit,omitempty"`
}

// urls lists the service's endpoints. Observed: only the two that page carry a limit.
func (a *Apple) urls() []urlEntry {
	limit := &urlLimit{a.behavior.pageDefault(), a.behavior.pageMax()}
	return []urlEntry{
		{URI: "/account", Method: []string{"GET"}},
		{URI: "/devices", Method: []string{"POST"}},
		{URI: "/devices/sync", Method: []string{"POST"}, Limit: limit},
		{URI: "/device/activationlock", Method: []string{"POST"}},
		{URI: "/profile", Method: []string{"GET", "POST"}},
		{URI: "/profile/devices", Method: []string{"POST", "PUT", "DELETE"}},
		{URI: "/server/devices", Method: []string{"POST"}, Limit: limit},
		{URI: "/session", Method: []string{"GET"}},
	}
}
