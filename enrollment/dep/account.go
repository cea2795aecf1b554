package dep

import (
	"context"
	"net/http"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Account is what Apple says about the service, organization and person of a token (Apple, "Account Detail"). Texts
// are made printable and bounded; an identifier that cannot be one is empty.
type Account struct {
	ServerName string
	ServerUUID string // 32 upper-case hex digits; stable over renewals
	AdminID    string // the Apple Account that downloaded the token
	OrgName    string
	OrgEmail   string
	OrgPhone   string
	OrgAddress string
	OrgID      string
	OrgIDHash  string
	OrgType    string // "org", "edu" or "tvprovider"
	OrgVersion string // "v1": the former Device Enrollment Program; "v2": Apple Business or School Manager

	// Limits are how many devices a page may have, by path, such as "/server/devices". Apple's paths are compared
	// with ours and never followed.
	Limits map[string]Limit
}

// Limit is what Apple allows of devices per page.
type Limit struct{ Default, Maximum int }

type accountAnswer struct {
	ServerName untrusted.Text `json:"server_name"`
	ServerUUID untrusted.Text `json:"server_uuid"`
	AdminID    untrusted.Text `json:"admin_id"`
	Facil      untrusted.Text `json:"facilitator_id"` // what admin_id was called before
	OrgName    untrusted.Text `json:"org_name"`
	OrgEmail   untrusted.Text `json:"org_email"`
	OrgPhone   untrusted.Text `json:"org_phone"`
	OrgAddress untrusted.Text `json:"org_address"`
	OrgID      untrusted.Text `json:"org_id"`
	OrgIDHash  untrusted.Text `json:"org_id_hash"`
	OrgType    untrusted.Text `json:"org_type"`
	OrgVersion untrusted.Text `json:"org_version"`
	URLs       []struct {
		URI   untrusted.Text `json:"uri"`
		Limit *struct {
			Default untrusted.Count `json:"default"`
			Maximum untrusted.Count `json:"maximum"`
		} `json:"limit"`
	} `json:"urls"`
}

// Account asks whom the token belongs to.
func (c *Client) Account(ctx context.Context) (Account, error) {
	var answer accountAnswer
	if err := c.do(ctx, call{method: http.MethodGet, path: "/account"}, &answer); err != nil {
		return Account{}, err
	}
	a := Account{
		ServerName: answer.ServerName.Shown(), ServerUUID: answer.ServerUUID.ID(), AdminID: answer.AdminID.Shown(),
		OrgName: answer.OrgName.Shown(), OrgEmail: answer.OrgEmail.Shown(), OrgPhone: answer.OrgPhone.Shown(),
		OrgAddress: answer.OrgAddress.Shown(), OrgID: answer.OrgID.ID(), OrgIDHash: answer.OrgIDHash.ID(),
		OrgType: answer.OrgType.Shown(), OrgVersion: answer.OrgVersion.Shown(), Limits: map[string]Limit{},
	}
	if a.AdminID == "" {
		a.AdminID = answer.Facil.Shown()
	}
	for _, u := range answer.URLs {
		if u.Limit != nil && (u.URI == fetchPath || u.URI == syncPath) {
			a.Limits[string(u.URI)] = Limit{int(u.Limit.Default), int(u.Limit.Maximum)}
		}
	}
	c.mu.Lock()
	c.limits, c.uuid = a.Limits, a.ServerUUID
	c.mu.Unlock()
	return a, nil
}
