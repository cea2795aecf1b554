package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// region words
// ports are what the RMM has, in the words of abmrenew.
type ports struct{ *rmm.App }

var words = map[error]error{
	rmm.ErrNoDevice: enrollment.ErrNoDevice, rmm.ErrTooLate: enrollment.ErrTooLate, rmm.ErrTaken: enrollment.ErrWipeTaken,
	rmm.ErrQueuedBefore: enrollment.ErrRepeated, rmm.ErrNoBypassCode: enrollment.ErrNoBypassCode,
	rmm.ErrNone: apns.ErrNoCertificate,
}

// told puts an error of the RMM's into these words. One that has none stays open: it is not known what became of the call.
func told(err error) error {
	for theirs, ours := range words {
		if errors.Is(err, theirs) {
			return fmt.Errorf("%w: %w", ours, err)
		}
	}
	return err
}

// endregion words

// region wipes
var wipeStates = map[string]enrollment.WipeState{
	rmm.Queued: enrollment.WipeQueued, rmm.Sent: enrollment.WipeQueued, rmm.Lost: enrollment.WipeQueued,
	rmm.NotNow: enrollment.WipeNotNow, rmm.Acknowledged: enrollment.WipeAcknowledged, rmm.Failed: enrollment.WipeFailed,
	rmm.FormatError: enrollment.WipeMalformed, rmm.Cancelled: enrollment.WipeRecalled,
}

// Wipe implements [enrollment.WipeDispatcher] over the queue of commands.
func (p ports) Wipe(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	err := p.Enqueue(ctx, rmm.Command{
		UUID: w.Command, Customer: string(w.Tenant), MDM: string(w.MDM), UDID: w.Device.UDID, Kind: "EraseDevice", Args: w.Options.Arguments(),
	}, pin.Reveal(), w.NotAfter)
	return enrollment.WipeStatus{State: enrollment.WipeQueued}, told(err)
}

// WipeStatus implements [enrollment.WipeDispatcher].
func (p ports) WipeStatus(ctx context.Context, w enrollment.WipeRef) (enrollment.WipeStatus, error) {
	c, err := p.Command(ctx, string(w.Tenant), w.Command)
	if errors.Is(err, rmm.ErrNoCommand) {
		return enrollment.WipeStatus{State: enrollment.WipeUnheard}, nil
	}
	return enrollment.WipeStatus{State: wipeStates[c.State], Reason: c.Reason, At: c.Since}, err
}

// RecallWipe implements [enrollment.WipeDispatcher].
func (p ports) RecallWipe(ctx context.Context, w enrollment.WipeRef) error {
	return told(p.Withdraw(ctx, string(w.Tenant), w.Command))
}

// WipeAbilities implements [enrollment.WipeDispatcher].
func (ports) WipeAbilities(context.Context, enrollment.TenantID, enrollment.MDMID) (enrollment.WipeAbilities, error) {
	return enrollment.WipeAbilities{RefusesRepeats: true, Status: true, Recall: true, PIN: true}, nil
}

// endregion wipes

// region devices
// DeviceFacts implements [enrollment.DeviceReader] over the table of devices.
func (p ports) DeviceFacts(ctx context.Context, t enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device) (enrollment.DeviceFacts, error) {
	at := p.Now()
	row, err := p.Device(ctx, string(t), string(mdm), d.UDID, d.Serial)
	return enrollment.DeviceFacts{
		Device: device(row.Serial, row.UDID, row.Model, row.Family, row.OS), MDM: mdm,
		Managed: enrollment.KnownOf(&row.Enrolled), Supervised: enrollment.KnownOf(row.Supervised),
		SharedIPad: enrollment.KnownOf(row.SharedIPad), ADEEnrolled: enrollment.KnownOf(row.ByADE),
		AppleSilicon: enrollment.KnownOf(row.AppleSilicon), ActivationLocked: enrollment.KnownOf(row.ActivationLocked),
		LastSeen: row.LastSeen, ObservedAt: at,
	}, told(err)
}

func device(serial, udid, model, family, os string) enrollment.Device {
	return enrollment.Device{Serial: serial, UDID: udid, Model: model, Family: enrollment.ParseFamily(family), OS: os}
}

// ActivationLock implements [enrollment.LockClearer].
func (p ports) ActivationLock(ctx context.Context, t enrollment.TenantID, d enrollment.Device) (enrollment.ActivationLock, error) {
	row, err := p.LastDevice(ctx, string(t), d.Serial)
	return enrollment.ActivationLock{Locked: enrollment.KnownOf(row.ActivationLocked), Clearable: enrollment.KnownOf(&row.HasBypassCode)}, told(err)
}

// ClearActivationLock implements [enrollment.LockClearer].
func (p ports) ClearActivationLock(ctx context.Context, t enrollment.TenantID, d enrollment.Device) error {
	return told(p.ClearLock(ctx, string(t), d.Serial))
}

// endregion devices

// region credentials
// Certificate implements [apns.Source]: the RMM keeps its push certificates itself.
func (p ports) Certificate(ctx context.Context, customer string) (apns.Certificate, error) {
	file, err := p.PushCertificate(ctx, customer)
	if err != nil {
		return apns.Certificate{}, told(err)
	}
	return apns.Read(file, "")
}

// Listening implements [apns.Audience].
func (p ports) Listening(ctx context.Context, topic string) (int, error) {
	return p.CountListening(ctx, topic)
}

// apiAccount finds the account by which a customer's devices are assigned; who has none does it by hand at the portal.
func (p ports) apiAccount(ctx context.Context, t enrollment.TenantID) (axm.Credentials, error) {
	a, err := p.APIAccount(ctx, string(t))
	if errors.Is(err, rmm.ErrNone) {
		return axm.Credentials{}, axm.ErrNoAccount
	}
	if err != nil {
		return axm.Credentials{}, err
	}
	return axm.NewCredentials(a.ClientID, a.KeyID, a.PrivateKey)
}

// endregion credentials
