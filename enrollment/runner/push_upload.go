package runner

import (
	"context"
	"io"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// UploadPush takes the file that Apple's push certificate portal gave for a renewal's request, whatever the state of that
// renewal (empty: the last one); where another one is under way, that takes it. The file is read up to [apns.MaxFile].
//
// The certificate must fit a key that was made here, unless it comes with its own; have the topic of the one in use; and end
// later. Then it is stored, sealed, and Apple is asked whether it accepts it; and if so, it is put in use in one write, and
// the view shows the renewal completed. The one before is kept until Apple has accepted the new one once.
//
// If not, the error says why, beside the view with the report of every check. A refused file changes nothing that is in use;
// that it was refused is written down.
func (t *Tenant) UploadPush(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, file io.Reader) (PushRenewalView, error) {
	if err := validActor(by); err != nil {
		return PushRenewalView{}, err
	}
	if file == nil {
		return PushRenewalView{}, invalid("file", "the .pem file that Apple's push certificate portal gave")
	}
	text, err := io.ReadAll(io.LimitReader(file, apns.MaxFile+1))
	if err != nil {
		return PushRenewalView{}, enrollment.NewProblem(enrollment.CodeInvalidInput,
			"field", "file", "rule", "readable to its end").Because(err)
	}
	cert, unreadable := readImport(PushImport{Certificate: text})
	devices := t.listening(ctx, cert)
	secret := t.r.cfg.NewID("psc")
	var taken *pushUpload
	err = t.change(ctx, func(c *change) error {
		taken = &pushUpload{by: by, cert: cert, secret: secret, devices: devices, refused: unreadable}
		p, r, err := c.namedPushRun(ctx, id)
		if err != nil {
			return err
		}
		if live, err := c.livePush(ctx, p); err != nil {
			return err
		} else if live != nil {
			r = live
		}
		return c.uploadPush(ctx, p, r, taken)
	})
	if err != nil {
		return PushRenewalView{}, err
	}
	var view PushRenewalView
	if taken.asked && taken.refused == nil {
		view, err = outcomeOfPush(t.settledPush(ctx, by, taken.run))
	} else {
		view, err = t.PushRenewal(ctx, by, taken.run)
	}
	if view.Report = taken.report; err == nil && taken.refused != nil {
		err = taken.refused
	}
	return view, err
}

// pushUpload is a file on its way, and what came of it.
type pushUpload struct {
	by      enrollment.Actor
	cert    apns.Certificate
	secret  string // the ID of its record
	devices int

	run     enrollment.RenewalID // that took it
	asked   bool                 // Apple is asked about it
	refused *enrollment.Problem
	report  *apns.Report
}

// uploadPush gives a file to a renewal, in one write with the certificate, sealed.
func (c *change) uploadPush(ctx context.Context, p *tracked[pushRecord], r *tracked[renewal.PushRenewal], u *pushUpload) error {
	u.run = r.Value.ID
	if err := c.open(ctx, u.by); err != nil {
		return err
	}
	if err := c.limitUploads(subjectOf(p)); err != nil {
		return err
	}
	cert := u.cert
	if u.refused == nil {
		var err error
		if cert, err = c.withRingKey(ctx, p, cert); err != nil {
			return err
		}
		inspection, err := c.inspection(ctx, p, u.devices)
		if err != nil {
			return err
		}
		inspection.NeedKey = true
		report := apns.Inspect(cert, inspection)
		u.report, u.refused = &report, unfit(report, cert, inspection)
	}
	if u.refused != nil {
		_, err := c.stepPush(ctx, p, r, renewal.UploadRefused{By: u.by, Problem: u.refused})
		return err
	}
	tr, err := c.stepPush(ctx, p, r, renewal.CertificateUploaded{
		By: u.by, Push: p.Value.Push, Devices: u.devices, Certificate: renewal.PushCandidate{
			Secret: u.secret, Fingerprint: cert.Fingerprint(), Topic: cert.Topic(), Serial: cert.Serial(), Issuer: cert.Issuer(),
			Expires: cert.NotAfter(), KeyID: cert.KeyID(),
		},
	})
	if err != nil {
		return err
	}
	candidate := r.Value.Candidate
	u.refused, u.asked = tr.Refused, r.Value.Live() && candidate != nil && candidate.Fingerprint == cert.Fingerprint()
	if !tr.Moved && r.Value.Live() && !u.asked {
		// It is the one in use. Who waits for its successor has picked the wrong file.
		u.refused = discontinued(apns.Succession{
			Continuity: apns.Older, OldEnd: p.Value.Certificate.Expires, NewEnd: cert.NotAfter(),
		})
	}
	if !u.asked || candidate.Secret != u.secret {
		return nil
	}
	if err := c.addPushKey(ctx, p, cert.Key(), true); err != nil {
		return err
	}
	return c.sealPush(ctx, p, u.secret, cert, false)
}
