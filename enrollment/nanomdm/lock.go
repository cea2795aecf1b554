package nanomdm

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// Unlock is what an Activation Lock is cleared with. NanoMDM stores no bypass codes; whoever enrolled the device does.
type Unlock struct {
	// Codes are the bypass codes of the device with their dashes, the likeliest first. A device may have two: its own, and
	// the MDM's (Apple, "Creating and using bypass codes", 2025).
	Codes []abmtoken.Secret
	// Topic is that of the push certificate, which Apple knows the MDM by.
	Topic string
	// Organization and Person are for Apple's records: who asks, and for whom.
	Organization, Person string
}

// LockClearer clears Activation Locks through NanoMDM, which asks Apple with its push certificate.
type LockClearer struct {
	server Servers
	mdm    enrollment.MDMID
	unlock func(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) (Unlock, error)
}

var _ enrollment.LockClearer = (*LockClearer)(nil)

// NewLockClearer makes one that goes through the server of one MDM. unlock returns what is known of a device's lock;
// without codes nothing is asked.
func NewLockClearer(server Servers, mdm enrollment.MDMID, unlock func(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) (Unlock, error)) *LockClearer {
	return &LockClearer{server, mdm, unlock}
}

// ActivationLock says whether a code is held. Whether the device is locked is not known here.
func (l *LockClearer) ActivationLock(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) (enrollment.ActivationLock, error) {
	u, err := l.unlock(ctx, tenant, d)
	if err != nil {
		return enrollment.ActivationLock{}, fmt.Errorf("nanomdm: the bypass codes could not be read: %w", err)
	}
	if len(u.Codes) == 0 {
		return enrollment.ActivationLock{Clearable: enrollment.No}, nil
	}
	return enrollment.ActivationLock{Clearable: enrollment.Yes}, nil
}

// ClearActivationLock tries the codes. [enrollment.ErrNoBypassCode]: there is none, or Apple takes none of them.
func (l *LockClearer) ClearActivationLock(ctx context.Context, tenant enrollment.TenantID, d enrollment.Device) error {
	u, err := l.unlock(ctx, tenant, d)
	if err != nil {
		return fmt.Errorf("nanomdm: the bypass codes could not be read: %w", err)
	}
	if len(u.Codes) == 0 {
		return fmt.Errorf("nanomdm: %w", enrollment.ErrNoBypassCode)
	}
	if enrollment.NormalSerial(d.Serial) == "" || d.Product == "" || u.Topic == "" || u.Organization == "" || u.Person == "" {
		return fatal(fmt.Errorf("%w: Apple wants the serial number, the product, the topic, the organization and a person", ErrRefused))
	}
	server, err := l.server(ctx, tenant, l.mdm)
	if err != nil {
		return err
	}
	for _, code := range u.Codes {
		cleared, err := server.clearLock(ctx, d, u, code)
		if cleared || err != nil {
			return err
		}
	}
	return fmt.Errorf("nanomdm: Apple took none of %d codes: %w", len(u.Codes), enrollment.ErrNoBypassCode)
}

// clearLock asks with one code. Not cleared and no error: Apple does not take the code, or does not know the device. What
// the statuses mean is told by NanoMDM (v0.9.0, docs/openapi.yaml), which hands Apple's through.
func (s *Server) clearLock(ctx context.Context, d enrollment.Device, u Unlock, code abmtoken.Secret) (cleared bool, err error) {
	form := url.Values{
		"serial": {enrollment.NormalSerial(d.Serial)}, "productType": {d.Product}, "topic": {u.Topic},
		"orgName": {u.Organization}, "guid": {u.Person}, "escrowKey": {code.Reveal()},
	}
	k := call{
		method: http.MethodPost, path: "/v1/escrowkeyunlock", contentType: "application/x-www-form-urlencoded",
		body: newGate([]byte(form.Encode()), nil),
	}
	r, err := s.send(ctx, k)
	switch {
	case err != nil:
		return false, err
	case r.status == http.StatusOK:
		return true, nil
	case r.status == http.StatusNotFound && !strings.HasPrefix(string(r.body), "404 page not found"):
		return false, nil // with those words it is not Apple that answers, but a server without this API
	}
	// What Apple says is not quoted: it may hold the code.
	r.body = nil
	if err := s.refusal(k, r); err != nil {
		return false, err
	}
	return false, &enrollment.CallError{Outcome: enrollment.Retry, Err: fmt.Errorf("nanomdm: the lock was not cleared: HTTP %d", r.status)}
}
