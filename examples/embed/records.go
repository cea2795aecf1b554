package main

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// region notices
// Notify implements [enrollment.Notifier] with tickets: a notice is a note in the ticket of its thread, and the one that is
// cleared closes it.
func (p ports) Notify(ctx context.Context, n enrollment.Notice) error {
	ticket := rmm.Ticket{Customer: string(n.Tenant), About: n.Thread, Subject: fmt.Sprintf("Apple %s: %s", n.Kind, n.Name)}
	switch {
	case n.Cleared:
		return p.CloseTicket(ctx, ticket, rmm.Note{ID: n.ID, Body: "Solved"})
	case n.Problem != nil:
		return p.AddNote(ctx, ticket, rmm.Note{ID: n.ID, Body: n.Problem.Error()})
	}
	return p.AddNote(ctx, ticket, rmm.Note{ID: n.ID, Body: fmt.Sprintf("%d days left", n.Days)})
}

// endregion notices

// region rows
// adoption is a row of the RMM's table of tokens. Its reference makes a second adoption the same one.
func adoption(t rmm.Token) runner.Adoption {
	row := runner.Adoption{
		Tenant: enrollment.TenantID(t.Customer), Reference: fmt.Sprint("mdm_tokens/", t.ID), Name: t.Name,
		ServerUUID: t.ServerUUID, Token: abmtoken.NewSecret(string(t.Token)),
	}
	if len(t.PrivateKey) > 0 {
		row.Keys = []runner.AdoptedKey{{Key: abmtoken.NewSecret(string(t.PrivateKey)), Certificate: []byte(t.Certificate)}}
	}
	return row
}

// adoptPush has a push certificate watched whose key the RMM keeps: from then on it is asked for at ports.Certificate.
func adoptPush(ctx context.Context, p ports, r *runner.Runner, by enrollment.Actor, customer string) error {
	certificate, err := p.Certificate(ctx, customer)
	if err == nil {
		_, err = r.Tenant(enrollment.TenantID(customer)).ImportPush(ctx, by, runner.PushImport{Certificate: certificate.PEM()})
	}
	return err
}

// endregion rows

// region events
var kinds = map[string]enrollment.DeviceEventKind{
	rmm.Authenticate: enrollment.DeviceAuthenticated, rmm.TokenUpdate: enrollment.DeviceEnrolled, rmm.Answer: enrollment.DeviceWipeAnswered,
}

// fact is an event of the RMM's, if it matters: of TokenUpdates only the first after an Authenticate is an enrollment.
func fact(e rmm.Event) (f enrollment.DeviceEvent, matters bool) {
	f = enrollment.DeviceEvent{
		Kind: kinds[e.Type], Tenant: enrollment.TenantID(e.Customer), MDM: enrollment.MDMID(e.MDM), Serial: e.Serial, UDID: e.UDID, At: e.At,
		Device: device(e.Serial, e.UDID, e.Model, e.Family, e.OS),
	}
	if e.Type == rmm.Answer {
		f.Wipe = &enrollment.WipeAnswer{Command: e.Command, State: wipeStates[e.Status], Reason: e.Reason}
	}
	return f, f.Kind != "" && (e.Type != rmm.TokenUpdate || e.Enrolls)
}

// endregion events
