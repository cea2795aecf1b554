package enrollment

import (
	"context"
	"iter"
)

// Every port is implemented safe for concurrent use, and returns soon after its context has ended. What its errors mean for
// the call stands at [CallError]; those that a port names are wrapped, for errors.Is. No error, and no answer, holds a
// secret.

// Notifier takes notices to people: mail, chat, tickets, a log. Implementations are safe for concurrent use.
//
// A notice whose Notify returned an error is tried again for some days, with the same ID. It may also be delivered
// twice after a crash; a receiver that minds remembers the ID. Notify may call the runner, for the name of the notice's
// server for instance; how long it takes is time that other work waits for, so it hands a slow way over to a queue.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// Assigner moves devices between the services of an organization, many at a time.
//
// Apple has no idempotency key here. Assigning a device again to the service that has it takes its enrollment profile away,
// so who does not know whether a request was carried out reads the devices back before the next one.
type Assigner interface {
	// Assign asks for a change and returns as soon as Apple, or a person at the portal, has begun with it. Ask about the
	// activity with Activity. An error that says that nothing was done is a [*CallError] with Retry or Fatal.
	Assign(ctx context.Context, r AssignmentRequest) (Activity, error)
	// Activity asks how far an activity is. [ErrNoActivity]: Apple has forgotten it.
	Activity(ctx context.Context, tenant TenantID, id string) (Activity, error)
}

// CertificatePublisher saves public key certificates at Apple, in place of a person at the portal. The person still downloads
// the token. It is called on a person's command only: the token in use may be dead from the moment that the certificate is
// saved.
type CertificatePublisher interface {
	// PublishCertificate saves another certificate, as PEM, for the service with this UUID and no other one. An error that
	// says that nothing was done is a [*CallError] with Retry or Fatal; any other leaves it open. Doing it twice saves it twice.
	PublishCertificate(ctx context.Context, s Service, certificatePEM []byte) error
	// CreateService makes a service of this name with its certificate. There being one of this name already is Fatal.
	CreateService(ctx context.Context, tenant TenantID, name string, certificatePEM []byte) error
}

// ProfileAssigner gives devices of a service the enrollment profile by which they will enroll after an erase.
type ProfileAssigner interface {
	// AssignProfile assigns a profile, by its UUID, to at most [MaxBatch] devices. There is one result for each serial
	// number, in their order. Doing it twice does no harm.
	AssignProfile(ctx context.Context, s Service, profile string, serials []string) ([]DeviceResult, error)
}

// ProfileReader says which enrollment profiles a service has. It is asked before devices are assigned to the service: one that
// is not there would be noticed only when they are.
type ProfileReader interface {
	// HasProfile says whether the service has a profile of this UUID. No is definite; NotKnown: it cannot be told.
	HasProfile(ctx context.Context, s Service, profile string) (Known, error)
}

// DeviceLister shows which devices are assigned to a service. [ErrServiceGone]: the service was deleted.
type DeviceLister interface {
	// Devices streams every device that is assigned to the service, in any order; a device may come twice. After an error
	// the stream ends, and what came before is not all.
	Devices(ctx context.Context, s Service) iter.Seq2[AssignedDevice, error]
	// Lookup shows at most [MaxBatch] devices as the service sees them now. There is one for each serial number, in their
	// order; those that are not assigned to it say so.
	Lookup(ctx context.Context, s Service, serials []string) ([]AssignedDevice, error)
}

// WipeDispatcher sends wipes through the MDM that manages a device.
//
// It must never erase a device twice for one [Wipe.Command]: a repeat is refused with [ErrRepeated], or is the first one's
// success again. One that cannot promise this for requests of which it did not hear the end leaves
// [WipeAbilities.RefusesRepeats] off.
type WipeDispatcher interface {
	// Wipe hands a wipe to the MDM, which may keep it until the device comes by. pin is zero where the device needs none;
	// it goes to the device and nowhere else. [ErrTooLate], [ErrNoDevice] and a [*CallError] with Retry or Fatal say that
	// nothing was sent; any other error leaves it open.
	Wipe(ctx context.Context, w Wipe, pin PIN) (WipeStatus, error)
	// WipeStatus asks where a wipe stands, [WipeUnheard] where the MDM never got it; or errors.ErrUnsupported.
	WipeStatus(ctx context.Context, w WipeRef) (WipeStatus, error)
	// RecallWipe withdraws a wipe that no device has taken yet; nil also where the MDM never got it, or it was recalled
	// before. From then on the MDM takes no wipe with this UUID. [ErrWipeTaken]: it is too late; or errors.ErrUnsupported.
	RecallWipe(ctx context.Context, w WipeRef) error
	// WipeAbilities says what the dispatcher can do for the devices of this MDM.
	WipeAbilities(ctx context.Context, tenant TenantID, mdm MDMID) (WipeAbilities, error)
}

// DeviceReader reads what an MDM knows of a device, right before something depends on it.
type DeviceReader interface {
	// DeviceFacts reads one device of an MDM, by its UDID, or by its serial number where that is not known.
	// [ErrNoDevice]: the MDM does not know it.
	DeviceFacts(ctx context.Context, tenant TenantID, mdm MDMID, d Device) (DeviceFacts, error)
}

// LockClearer looks after Activation Lock, which an erase does not remove.
type LockClearer interface {
	// ActivationLock says whether the device is locked, and whether a code is held that would clear it. It changes nothing.
	ActivationLock(ctx context.Context, tenant TenantID, d Device) (ActivationLock, error)
	// ClearActivationLock clears it; nil also where there was none. [ErrNoBypassCode], or errors.ErrUnsupported. Doing it
	// twice does no harm.
	ClearActivationLock(ctx context.Context, tenant TenantID, d Device) error
}

// ApprovalVerifier holds an approval against something that the host's own login cannot forge, such as a signature by a key
// that only this person has. It is for hosts that mean to withstand themselves, and optional.
type ApprovalVerifier interface {
	// VerifyApproval returns nil where the claim's signature is this person's over this digest, made for this subject.
	// Anything else refuses the approval.
	VerifyApproval(ctx context.Context, c ApprovalClaim) error
}
