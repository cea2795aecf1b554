package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// PushRequest is what goes to Apple's push certificate portal.
type PushRequest struct {
	// PEM is the request alone, for a vendor's own signing service.
	PEM []byte
	// PortalFile is the request with the vendor's signature, ready to be uploaded at identity.apple.com/pushcert; nil: nobody
	// signed it.
	PortalFile []byte
}

// PushRequest returns the request of a renewal (empty: the last one), signed by the vendor if there is one. Its private key
// is in the store, sealed, before the request leaves. Who took it is written down.
//
// At the portal, sign in with the Apple Account that made the first certificate and choose Renew on its row.
func (t *Tenant) PushRequest(
	ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, vendor apns.VendorSigner,
) (PushRequest, error) {
	view, err := t.PushRenewal(ctx, by, id)
	if err != nil {
		return PushRequest{}, err
	}
	if view.Live() && view.Key == nil {
		if view, err = t.settledPush(ctx, by, view.ID); err != nil {
			return PushRequest{}, err
		}
		if view.Key == nil {
			return PushRequest{}, enrollment.NewProblem(enrollment.CodeStillWorking)
		}
	}
	var key apns.Key
	var name string
	_, err = t.actOnPush(ctx, by, view.ID, func(c *change, p *tracked[pushRecord], r *tracked[renewal.PushRenewal]) (renewal.PushEvent, error) {
		var err error
		if r.Value.Key != nil {
			// What leaves is made with what was stored, read back.
			key, err = c.openPushKey(ctx, p.Value.Push, r.Value.Key.ID)
		}
		name = p.Value.Name
		if err == nil {
			err = c.watch(ctx, subjectOf(p), renewal.CertificateLeft{})
		}
		return renewal.RequestTaken{By: by}, err
	})
	if err != nil {
		return PushRequest{}, err
	}
	der, err := apns.NewRequest(key, apns.RequestName{CommonName: name})
	if err != nil {
		return PushRequest{}, enrollment.NewProblem(enrollment.CodeInternal).Because(err)
	}
	request := PushRequest{PEM: apns.RequestPEM(der)}
	if vendor == nil {
		return request, nil
	}
	signed, err := vendor.SignRequest(ctx, der)
	if err == nil {
		request.PortalFile, err = apns.PortalFile(der, signed)
	}
	if err != nil {
		return PushRequest{}, enrollment.NewProblem(enrollment.CodePushUnsigned, "reason", because(plainWords(err.Error()))).Because(err)
	}
	return request, nil
}
