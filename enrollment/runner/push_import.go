package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
)

// PushImport is a push certificate that is in use already, or that was renewed elsewhere.
type PushImport struct {
	Name        string // shown to people; empty: the tenant's ID. It counts for a tenant's first one
	Certificate []byte // PEM with or without chain and key, DER, or PKCS #12
	// Key is its private key in PEM; nil: it comes with the certificate, was made here for an earlier request, or is kept by
	// the host (see Config.PushSource).
	Key      []byte
	Password string // of a PKCS #12 file
	// Expired takes a first certificate although it has expired: then its topic is known, and kept when it is renewed.
	Expired bool
}

// ImportPush takes a push certificate into use: the tenant's first one, or the successor of the one that it has. It is held
// against everything that can be known without asking Apple; the view's report lists every check. A certificate with
// another topic than the one in use is refused, because no device would hear it, and an older one, too. Importing the same
// again changes nothing.
//
// Where it is refused, the error says why, the view has the report of the file and nothing else, and what was in use stays.
// That a file was refused is written down.
func (t *Tenant) ImportPush(ctx context.Context, by enrollment.Actor, in PushImport) (PushView, error) {
	if err := validActor(by); err != nil {
		return PushView{}, err
	}
	if in.Name == "" {
		in.Name = string(t.id)
	}
	if err := validName(in.Name); err != nil {
		return PushView{}, err
	}
	cert, unreadable := readImport(in)
	fresh, secret := enrollment.PushID(t.r.cfg.NewID("psh")), t.r.cfg.NewID("psc")
	hostKept := unreadable == nil && cert.Key().IsZero() && t.keptByHost(ctx, cert)
	devices := t.listening(ctx, cert)
	var report *apns.Report
	var refused *enrollment.Problem
	err := t.change(ctx, func(c *change) error {
		report, refused = nil, unreadable
		if c.tenant.found {
			if err := c.open(ctx, by); err != nil {
				return err
			}
		}
		p, err := c.ownPush(ctx)
		if err != nil {
			return err
		}
		if p != nil {
			if err := c.limitUploads(subjectOf(p)); err != nil {
				return err
			}
		}
		taken := cert
		if refused == nil {
			if taken, err = c.withRingKey(ctx, p, cert); err != nil {
				return err
			}
			inspection, err := c.inspection(ctx, p, devices)
			if err != nil {
				return err
			}
			inspection.NeedKey = !hostKept
			first := p == nil || p.Value.Certificate == nil
			found := apns.Inspect(taken, inspection)
			report = &found
			if refused = unfit(found, taken, inspection); in.Expired && first && onlyExpired(found, c.now) {
				refused = nil
			}
		}
		if refused != nil {
			return c.refuseImport(ctx, by, p, refused)
		}
		if err := c.open(ctx, by); err != nil {
			return err
		}
		if p == nil {
			if p, err = c.addPush(ctx, by, fresh, in.Name); err != nil {
				return err
			}
		}
		return c.importPush(ctx, by, p, taken, secret, hostKept)
	})
	switch {
	case err != nil:
		return PushView{}, err
	case refused != nil:
		return PushView{Report: report}, refused
	}
	return t.Push(ctx)
}

// readImport reads the certificate and the key. The problem says why they cannot be read.
func readImport(in PushImport) (apns.Certificate, *enrollment.Problem) {
	cert, err := apns.Read(in.Certificate, in.Password)
	if err == nil && len(in.Key) > 0 {
		var key apns.Key
		key, err = apns.ParseKey(in.Key)
		cert = cert.WithKey(key)
	}
	if err == nil && len(pushText(cert, false)) > apns.MaxFile {
		err = apns.ErrTooLarge // it could not be read again
	}
	if err != nil {
		return apns.Certificate{}, pushFileProblem(err)
	}
	return cert, nil
}

// keptByHost reports whether the host says that it keeps this certificate's key.
func (t *Tenant) keptByHost(ctx context.Context, cert apns.Certificate) bool {
	if t.r.cfg.PushSource == nil {
		return false
	}
	kept, err := t.r.cfg.PushSource.Certificate(ctx, string(t.id))
	if err != nil {
		t.r.log.WarnContext(ctx, "the host's push certificate could not be had", "tenant", t.id, "error", err)
		return false
	}
	return kept.Fingerprint() == cert.Fingerprint()
}

// withRingKey adds the key that was made for a request, where a certificate comes alone.
func (c *change) withRingKey(ctx context.Context, p *tracked[pushRecord], cert apns.Certificate) (apns.Certificate, error) {
	if p == nil || !cert.Key().IsZero() {
		return cert, nil
	}
	if _, held := p.Value.Key(cert.KeyID()); !held {
		return cert, nil
	}
	key, err := c.openPushKey(ctx, p.Value.Push, cert.KeyID())
	return cert.WithKey(key), err
}

// importPush puts an inspected certificate in use, unless it is.
func (c *change) importPush(
	ctx context.Context, by enrollment.Actor, p *tracked[pushRecord], cert apns.Certificate, secret string, hostKept bool,
) error {
	hostKept = hostKept && cert.Key().IsZero()
	active := p.Value.Certificate
	switch {
	case active == nil || active.Fingerprint != cert.Fingerprint():
		return c.succeedPush(ctx, by, p, cert, secret, hostKept)
	case hostKept || !active.HostKept:
		return nil
	}
	// Its key has come into our keeping.
	ours := *active
	ours.Secret, ours.HostKept = secret, false
	p.Value.Certificate, p.moved = &ours, true
	if err := c.sealPush(ctx, p, secret, cert, false); err != nil {
		return err
	}
	if err := c.addPushKey(ctx, p, cert.Key(), true); err != nil {
		return err
	}
	if err := c.dropPushes(ctx, p, []string{active.Secret}); err != nil {
		return err
	}
	return c.note(ctx, subjectOf(p), pushImported(by, ours))
}

func pushImported(by enrollment.Actor, cert enrollment.PushCertificate) enrollment.AuditFact {
	return enrollment.AuditFact{Act: enrollment.ActPushImported, By: by, Detail: map[string]string{
		"fingerprint": cert.Fingerprint, "topic": cert.Topic, "expires": cert.Expires.Format(time.RFC3339),
	}}
}

// refuseImport writes down that a file was not taken: on the push certificate, or on the tenant that has none.
func (c *change) refuseImport(ctx context.Context, by enrollment.Actor, p *tracked[pushRecord], problem *enrollment.Problem) error {
	switch {
	case p != nil:
		return c.note(ctx, subjectOf(p), fileRefused(by, problem))
	case c.tenant.found:
		return c.noteTenant(ctx, fileRefused(by, problem))
	}
	return nil
}
