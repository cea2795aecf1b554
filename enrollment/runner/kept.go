package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
)

// KeptKind is a kind of records that a runner keeps.
type KeptKind struct {
	Kind string
	// Installation: its records are signed for the installation, whatever their tenant.
	Installation bool
}

// KeptKinds returns every kind of signed records that a runner keeps, secrets aside. A sweep after a rotation of data keys
// has to look at all of them: see the sealer's documentation.
func KeptKinds() []KeptKind {
	return []KeptKind{
		{KindServer, false}, {KindRenewal, false}, {KindPush, false}, {KindPushRenewal, false},
		{KindTenant, true}, {KindInstallation, true}, {KindService, true}, {KindRecipient, true},
		{KindSwitch, true}, {KindProposal, true}, {KindLedger, true},
		{KindPlan, false}, {KindGate, false}, {KindWave, false}, {KindBatch, false}, {KindMove, false},
		{KindDevice, false}, {KindEnrollmentID, false}, {KindPosts, false},
		{KindAudit, true}, {KindAuditLog, true},
	}
}

// NoteKeysRotated writes down that somebody rotated the keys which seal the store.
func (r *Runner) NoteKeysRotated(ctx context.Context, by enrollment.Actor) error {
	if err := validActor(by); err != nil {
		return err
	}
	return r.changeInstallation(ctx, func(c *change) error {
		return c.noteInstallation(ctx, enrollment.AuditFact{Act: enrollment.ActKeysRotated, By: by})
	})
}
