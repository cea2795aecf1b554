package dep

import (
	"context"
	"net/http"
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
	ServerName text `json:"server_name"`
	ServerUUID text `json:"server_uuid"`
	AdminID    text `json:"admin_id"`
	Facil      text `json:"facilitator_id"` // what admin_id was called before
	OrgName    text `json:"org_name"`
	OrgEmail   text `json:"org_email"`
	OrgPhone   text `json:"org_phone"`
	OrgAddress text `json:"org_address"`
	OrgID      text `json:"org_id"`
	OrgIDHash  text `json:"org_id_hash"`
	OrgType    text `json:"org_type"`
	OrgVersion text `json:"org_version"`
	URLs       []struct {
		URI   text `json:"uri"`
		Limit *struct {
			Default count `json:"default"`
			Maximum count `json:"maximum"`
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
		ServerName: answer.ServerName.shown(), ServerUUID: answer.ServerUUID.id(), AdminID: answer.AdminID.shown(),
		OrgName: answer.OrgName.shown(), OrgEmail: answer.OrgEmail.shown(), OrgPhone: answer.OrgPhone.shown(),
		OrgAddress: answer.OrgAddress.shown(), OrgID: answer.OrgID.id(), OrgIDHash: answer.OrgIDHash.id(),
		OrgType: answer.OrgType.shown(), OrgVersion: answer.OrgVersion.shown(), Limits: map[string]Limit{},
	}
	if a.AdminID == "" {
		a.AdminID = answer.Facil.shown()
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
