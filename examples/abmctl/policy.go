package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// installationID is what the rules of the whole installation are called.
const installationID = "installation"

type policyShow struct {
	Installation bool `help:"The installation's rules, not the tenant's."`
}

func (c *policyShow) subject() subject { return subject{} }

func (c *policyShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	if c.Installation {
		p, err := h.lib.Policy(ctx)
		return rulesOf(installationID, p), err
	}
	p, err := h.tenant().Policy(ctx)
	return rulesOf(string(h.Tenant), p), err
}

type policySet struct {
	Installation       bool      `help:"For the whole installation, not the tenant."`
	Reminders          []int     `placeholder:"60,30,..." help:"Days before an expiry at which to remind."`
	ExpiringWithin     *duration `placeholder:"30d" help:"How long before its expiry a token is called expiring."`
	ProbeEvery         *duration `placeholder:"1d" help:"How often Apple is asked whether a token lives."`
	RecheckEvery       *duration `placeholder:"1h" help:"How often Apple is asked again while something is wrong."`
	UnreachableAfter   *duration `placeholder:"3d" help:"How long Apple may be silent before a token is called unreachable."`
	UploadWithin       *duration `placeholder:"30d" help:"How long a renewal waits for a file."`
	RemindWaiting      *duration `placeholder:"3d" help:"How often a renewal that waits for a person reminds."`
	FreshFor           *duration `placeholder:"15m" help:"How long Apple's answer may wait for a confirmation."`
	UploadsPerMinute   *int      `placeholder:"30" help:"How many files a server takes in a minute."`
	RequireAppleIssuer *string   `enum:"on,off" placeholder:"on|off" help:"Whether push certificates must be issued by Apple."`
}

func (c *policySet) subject() subject { return subject{} }

func (c *policySet) do(ctx context.Context, h *host) (answer, error) {
	change := enrollment.PolicyChange{
		Reminders:      c.Reminders,
		ExpiringWithin: (*time.Duration)(c.ExpiringWithin), ProbeEvery: (*time.Duration)(c.ProbeEvery),
		RecheckEvery: (*time.Duration)(c.RecheckEvery), UnreachableAfter: (*time.Duration)(c.UnreachableAfter),
		UploadWithin: (*time.Duration)(c.UploadWithin), RemindWaiting: (*time.Duration)(c.RemindWaiting),
		FreshFor: (*time.Duration)(c.FreshFor), UploadsPerMinute: c.UploadsPerMinute,
	}
	if c.RequireAppleIssuer != nil {
		on := *c.RequireAppleIssuer == "on"
		change.RequireAppleIssuer = &on
	}
	if reflect.ValueOf(change).IsZero() { // it would stand in the audit as a change
		return nil, wrong("rules", "at least one flag such as --probe-every=1d; abmctl policy show says what holds")
	}
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	id, set := string(h.Tenant), h.tenant().SetPolicy
	if c.Installation {
		id, set = installationID, h.lib.SetPolicy
	}
	p, err := set(ctx, h.actor(), change)
	if err != nil {
		return nothing{subject{ID: id}}, err
	}
	return rulesOf(id, p.Policy), nil
}

// rules is a policy as people write one.
type rules struct {
	subject
	Reminders        []int    `json:"reminders"`
	ExpiringWithin   duration `json:"expiring_within"`
	ProbeEvery       duration `json:"probe_every"`
	RecheckEvery     duration `json:"recheck_every"`
	UnreachableAfter duration `json:"unreachable_after"`
	UploadWithin     duration `json:"upload_within"`
	RemindWaiting    duration `json:"remind_waiting"`
	FreshFor         duration `json:"fresh_for"`
	UploadsPerMinute int      `json:"uploads_per_minute"`

	RequireAppleIssuer bool `json:"require_apple_issuer"`
}

func rulesOf(id string, p enrollment.Policy) rules {
	return rules{
		subject: subject{ID: id}, Reminders: p.Reminders, ExpiringWithin: duration(p.ExpiringWithin),
		ProbeEvery: duration(p.ProbeEvery), RecheckEvery: duration(p.RecheckEvery),
		UnreachableAfter: duration(p.UnreachableAfter), UploadWithin: duration(p.UploadWithin),
		RemindWaiting: duration(p.RemindWaiting), FreshFor: duration(p.FreshFor), UploadsPerMinute: p.UploadsPerMinute,
		RequireAppleIssuer: p.RequireAppleIssuer,
	}
}

func (a rules) text(w io.Writer) {
	days := make([]string, len(a.Reminders))
	for i, d := range a.Reminders {
		days[i] = strconv.Itoa(d)
	}
	fmt.Fprintf(w, "rules of %s\n", a.ID)
	for _, row := range []struct{ name, value string }{
		{"reminders", strings.Join(days, ",")}, {"expiring-within", a.ExpiringWithin.String()},
		{"probe-every", a.ProbeEvery.String()}, {"recheck-every", a.RecheckEvery.String()},
		{"unreachable-after", a.UnreachableAfter.String()}, {"upload-within", a.UploadWithin.String()},
		{"remind-waiting", a.RemindWaiting.String()}, {"fresh-for", a.FreshFor.String()},
		{"uploads-per-minute", strconv.Itoa(a.UploadsPerMinute)},
		{"require-apple-issuer", onOff(a.RequireAppleIssuer)},
	} {
		fmt.Fprintf(w, "  %-20s %s\n", row.name, row.value)
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
