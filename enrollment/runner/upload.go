package runner

import (
	"context"
	"io"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// Upload is a token file as the portal gave it, and what it is meant for.
type Upload struct {
	// Server names the server that the token is for. A live renewal is continued, or one is started. With neither Server
	// nor Renewal, the server is found by the certificate that the file was made for.
	Server enrollment.ServerID
	// Renewal names the renewal that the token is for, whatever its state: an ended one comes to life again, unless the
	// server has another live one, which then takes the file.
	Renewal enrollment.RenewalID
	// Confirm says that the person already confirms whatever organization and service Apple answers, where that would be
	// asked. Only a person may.
	Confirm bool
	File    io.Reader // needed; read up to abmtoken.MaxFile, and not closed
}

// UploadToken takes a token file: it decrypts it with a key of the server, stores the token sealed, and asks Apple whose it
// is. If everything fits, the token, its key and the renewal change in one write, and the view shows the renewal completed.
//
// If not, the error says why, beside the view of the renewal where one is concerned. A refused file changes no token, key
// or pin, and begins no renewal; that it was refused is written down: in the renewal that waits for a file, in the server's
// history, or, where no server is known, in the tenant's. A token that Apple cannot judge now is kept, and checked by RunDue.
func (t *Tenant) UploadToken(ctx context.Context, by enrollment.Actor, u Upload) (RenewalView, error) {
	if err := validActor(by); err != nil {
		return RenewalView{}, err
	}
	if u.Confirm && by.Kind != enrollment.Person {
		return RenewalView{}, enrollment.NewProblem(enrollment.CodePersonNeeded)
	}
	if u.File == nil {
		return RenewalView{}, invalid("file", "the .p7m file that Apple's portal gave")
	}
	file, err := io.ReadAll(io.LimitReader(u.File, abmtoken.MaxFile+1))
	if err != nil {
		return RenewalView{}, enrollment.NewProblem(enrollment.CodeInvalidInput,
			"field", "file", "rule", "readable to its end").Because(err)
	}
	envelope, unreadable := abmtoken.ReadEnvelope(file)
	var refused *enrollment.Problem
	if unreadable != nil {
		refused = fileProblem(unreadable)
	}
	target, err := t.target(ctx, u, envelope)
	if err != nil {
		return RenewalView{}, err
	}
	if target == "" {
		return RenewalView{}, t.refuseNowhere(ctx, by, envelope, refused)
	}
	return t.take(ctx, by, u, target, envelope, refused)
}

// target finds the server that a file is meant for; empty: it is for none that can be told.
func (t *Tenant) target(ctx context.Context, u Upload, envelope *abmtoken.Envelope) (enrollment.ServerID, error) {
	if _, err := t.opened(ctx); err != nil {
		return "", err
	}
	switch {
	case u.Renewal != "":
		r, err := t.r.renewals.Get(ctx, string(t.id), string(u.Renewal))
		return r.Value.Server, asProblem(missing(err, "renewal"))
	case u.Server != "" || envelope == nil:
		return u.Server, nil
	}
	owner, err := t.r.recipientOwner(ctx, envelope)
	if err != nil || owner == nil || owner.Tenant != t.id {
		return "", asProblem(err)
	}
	return owner.Server, nil
}

// refuseNowhere answers a file that is for no server of the tenant, and writes that down on the tenant, where there is one.
func (t *Tenant) refuseNowhere(
	ctx context.Context, by enrollment.Actor, envelope *abmtoken.Envelope, refused *enrollment.Problem,
) error {
	if refused == nil {
		refused = enrollment.NewProblem(enrollment.CodeNoKeyFits)
		refused.Title = "No server here has a certificate that this file was made for"
		refused.Next = "Say which server it is for, if that one's certificate came from another system; " +
			"else upload the server's certificate at the portal (Replace Certificate), save, and download the token again"
	}
	err := t.change(ctx, func(c *change) error {
		if c.tenant.found {
			if err := c.open(ctx, by); err != nil {
				return err
			}
			if err := c.noteTenant(ctx, fileRefused(by, refused)); err != nil {
				return err
			}
		}
		if envelope == nil {
			return nil
		}
		owner, err := c.recipientOwner(ctx, envelope)
		if err != nil || owner == nil || owner.Tenant == t.id {
			return err
		}
		return c.noteForeign(ctx, owner, "")
	})
	if err != nil {
		return err
	}
	return refused
}

func fileRefused(by enrollment.Actor, problem *enrollment.Problem) enrollment.AuditFact {
	return enrollment.AuditFact{Act: enrollment.ActFileRefused, By: by, Detail: map[string]string{"problem": string(problem.Code)}}
}

// take opens a file with the keys of the server and gives what comes of it to the server's renewal, in one write.
func (t *Tenant) take(
	ctx context.Context, by enrollment.Actor, u Upload, server enrollment.ServerID, envelope *abmtoken.Envelope,
	unreadable *enrollment.Problem,
) (RenewalView, error) {
	fresh := enrollment.RenewalID(t.r.cfg.NewID("rnw"))
	secretID := t.r.cfg.NewID("tok")
	var id enrollment.RenewalID
	var refused *enrollment.Problem
	var inUse bool
	err := t.change(ctx, func(c *change) error {
		id, refused, inUse = "", unreadable, false
		s, err := c.server(ctx, server)
		if err != nil {
			return err
		}
		if err := c.openFor(s); err != nil {
			return err
		}
		if err := c.limitUploads(subjectOf(s)); err != nil {
			return err
		}
		var token abmtoken.Token
		var keyID string
		if refused == nil {
			token, keyID, refused, err = t.openFile(ctx, c, s, envelope)
			if err != nil {
				return err
			}
		}
		if refused != nil {
			id, err = c.refuseFile(ctx, by, s, u.Renewal, refused)
			return err
		}
		if active := s.Value.Token; active != nil && active.Fingerprint == token.Fingerprint() {
			id, err = c.activatedBy(ctx, s)
			inUse = err == nil
			return err
		}
		uploaded := renewal.TokenUploaded{
			By: by, Server: s.Value.Server, Confirmed: u.Confirm,
			Token: renewal.Candidate{
				Secret: secretID, Fingerprint: token.Fingerprint(), ConsumerKey: token.ConsumerKey(),
				Expires: token.Expires(), KeyID: keyID,
			},
		}
		if refused, err = c.refusedAtOnce(ctx, s, u.Renewal, uploaded); err != nil {
			return err
		}
		if refused != nil {
			id, err = c.refuseFile(ctx, by, s, "", refused)
			return err
		}
		r, err := c.receiver(ctx, by, s, u.Renewal, fresh)
		if err != nil {
			return err
		}
		id = r.Value.ID
		tr, err := c.step(ctx, s, r, uploaded)
		if err != nil {
			return err
		}
		refused = tr.Refused
		if candidate := r.Value.Candidate; candidate != nil && candidate.Secret == secretID && tr.Moved {
			return c.sealSecret(ctx, secretRef(s.Value.Server, secretToken, secretID), []byte(token.JSON().Reveal()))
		}
		return nil
	})
	if err != nil {
		return RenewalView{}, err
	}
	if refused != nil {
		view := RenewalView{}
		if id != "" {
			if view, err = t.Renewal(ctx, by, id); err != nil {
				return RenewalView{}, err
			}
		}
		return view, refused
	}
	if inUse && id == "" {
		return RenewalView{Renewal: renewal.Renewal{Tenant: t.id, Server: server, State: renewal.Completed}}, nil
	}
	return t.outcome(t.settled(ctx, by, id))
}

// activatedBy finds the renewal that put the active token in use, for a file that is uploaded again; empty: it was adopted.
func (c *change) activatedBy(ctx context.Context, s *tracked[serverRecord]) (enrollment.RenewalID, error) {
	q := storage.Query{
		Tenant: c.tenant.Tenant, Parent: string(s.Value.ID), State: string(renewal.Completed), Limit: storage.MaxPage,
	}
	items, _, err := c.renewals.List(ctx, q)
	for _, item := range items {
		if candidate := item.Value.Candidate; candidate != nil && candidate.Fingerprint == s.Value.Token.Fingerprint {
			return item.Value.ID, err
		}
	}
	return "", err
}

// refusedAtOnce says why a token is not worth asking Apple about, where no renewal waits for one: then none is begun.
func (c *change) refusedAtOnce(
	ctx context.Context, s *tracked[serverRecord], named enrollment.RenewalID, uploaded renewal.TokenUploaded,
) (*enrollment.Problem, error) {
	if live, err := c.live(ctx, s); err != nil || live != nil || named != "" {
		return nil, err
	}
	tr, err := renewal.Start(c.policy, c.now, renewal.Request{Server: s.Value.Server, By: uploaded.By})
	if err != nil {
		return nil, err
	}
	tr, err = tr.Renewal.Step(c.policy, c.now, uploaded)
	return tr.Refused, err
}

// receiver picks the renewal that takes a token: the server's live one, else the one that was named, else a new one.
func (c *change) receiver(
	ctx context.Context, by enrollment.Actor, s *tracked[serverRecord], named, fresh enrollment.RenewalID,
) (*tracked[renewal.Renewal], error) {
	live, err := c.live(ctx, s)
	switch {
	case err != nil || live != nil:
		return live, err
	case named != "":
		return c.renewal(ctx, named)
	}
	return c.liveOrNew(ctx, by, s, fresh)
}

// refuseFile writes down that a file was not taken: on the live or named renewal where there is one, else on the server
// alone.
func (c *change) refuseFile(
	ctx context.Context, by enrollment.Actor, s *tracked[serverRecord], named enrollment.RenewalID, problem *enrollment.Problem,
) (enrollment.RenewalID, error) {
	r, err := c.live(ctx, s)
	if err == nil && r == nil && named != "" {
		r, err = c.renewal(ctx, named)
	}
	if err != nil {
		return "", err
	}
	if r == nil {
		return "", c.note(ctx, subjectOf(s), fileRefused(by, problem))
	}
	_, err = c.step(ctx, s, r, renewal.UploadRefused{By: by, Problem: problem})
	return r.Value.ID, err
}
