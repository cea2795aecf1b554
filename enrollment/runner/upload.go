package runner

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

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
	File    io.Reader
}

// UploadToken takes a token file: it decrypts it with a key of the server, stores the token sealed, and asks Apple whose it
// is. If everything fits, the token, its key and the renewal change in one write, and the view shows the renewal completed.
//
// If not, the error says why, beside the view of the renewal where one is concerned. A refused file changes no token, key
// or pin; that it was refused is written down. A token that Apple cannot judge now is kept, and checked by RunDue.
func (t *Tenant) UploadToken(ctx context.Context, by enrollment.Actor, u Upload) (RenewalView, error) {
	if err := validActor(by); err != nil {
		return RenewalView{}, err
	}
	if u.Confirm && by.Kind != enrollment.Person {
		return RenewalView{}, enrollment.NewProblem(enrollment.CodePersonNeeded)
	}
	file, err := io.ReadAll(io.LimitReader(u.File, abmtoken.MaxFile+1))
	if err != nil {
		return RenewalView{}, enrollment.NewProblem(enrollment.CodeInvalidInput,
			"field", "file", "rule", "readable to its end").Because(err)
	}
	envelope, unreadable := abmtoken.ReadEnvelope(file)
	target, err := t.target(ctx, u, envelope)
	if err != nil {
		return RenewalView{}, err
	}
	var refused *enrollment.Problem
	if unreadable != nil {
		refused = fileProblem(unreadable)
	}
	return t.take(ctx, by, u, target, envelope, refused)
}

// target finds the server that a file is meant for.
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
	if err != nil {
		return "", asProblem(err)
	}
	if owner == nil || owner.Tenant != t.id {
		return "", enrollment.NewProblem(enrollment.CodeNoKeyFits)
	}
	return owner.Server, nil
}

// recipientOwner finds whose certificate a file was made for; nil: of none that is known.
func (m rooms) recipientOwner(ctx context.Context, envelope *abmtoken.Envelope) (*ownerRecord, error) {
	for _, recipient := range envelope.Recipients() {
		item, found, err := find(ctx, m.recipients, "", recipient.Recipient.String())
		if err != nil {
			return nil, err
		}
		if found {
			return &item.Value, nil
		}
	}
	return nil, nil
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
		if server == "" {
			return unreadable // a file that is none, for no server: there is nothing to write it down on
		}
		s, err := c.server(ctx, server)
		if err != nil {
			return err
		}
		if err := c.openFor(s); err != nil {
			return err
		}
		if err := c.limitUploads(s); err != nil {
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
		r, err := c.receiver(ctx, by, s, u.Renewal, fresh)
		if err != nil {
			return err
		}
		id = r.Value.ID
		tr, err := c.step(ctx, s, r, renewal.TokenUploaded{
			By: by, Server: s.Value.Server, Confirmed: u.Confirm,
			Token: renewal.Candidate{
				Secret: secretID, Fingerprint: token.Fingerprint(), ConsumerKey: token.ConsumerKey(),
				Expires: token.Expires(), KeyID: keyID,
			},
		})
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

// openFor refuses files for what is out of use.
func (c *change) openFor(s *tracked[serverRecord]) error {
	switch {
	case c.tenant.Value.State == enrollment.TenantErased:
		return enrollment.NewProblem(enrollment.CodeTenantErased)
	case c.tenant.Value.State == enrollment.TenantClosed:
		return enrollment.NewProblem(enrollment.CodeTenantClosed)
	case s.Value.Retired():
		return enrollment.NewProblem(enrollment.CodeRetired)
	}
	return nil
}

// limitUploads counts a file against the server's limit: every file costs a private key operation.
func (c *change) limitUploads(s *tracked[serverRecord]) error {
	recent := slices.DeleteFunc(slices.Clone(s.Value.Uploads), func(at time.Time) bool {
		return at.Before(c.now.Add(-time.Minute)) || at.After(c.now)
	})
	if len(recent) >= c.policy.UploadsPerMinute {
		return enrollment.NewProblem(enrollment.CodeTooManyUploads)
	}
	s.Value.Uploads, s.moved = append(recent, c.now), true
	return nil
}

// openFile decrypts a file with a key of the server: the one that the file was made for, or, where a certificate says
// nothing about its key, by trial. The problem says why it does not open, the error that the keys could not be read.
func (t *Tenant) openFile(
	ctx context.Context, c *change, s *tracked[serverRecord], envelope *abmtoken.Envelope,
) (abmtoken.Token, string, *enrollment.Problem, error) {
	// The index is asked in any case, so that a file for another tenant's key takes as long as one for an unknown key.
	owner, err := c.recipientOwner(ctx, envelope)
	if err != nil {
		return abmtoken.Token{}, "", nil, err
	}
	var pairs []abmtoken.KeyPair
	for _, fact := range candidates(s.Value.Keys, envelope) {
		pair, err := c.openKey(ctx, s.Value.Server, fact.ID)
		if err != nil {
			return abmtoken.Token{}, "", nil, err
		}
		pairs = append(pairs, pair)
	}
	token, pair, err := envelope.Open(pairs...)
	switch {
	case err == nil:
		return token, pair.ID(), nil, nil
	case !errors.Is(err, abmtoken.ErrUnknownRecipient):
		return abmtoken.Token{}, "", fileProblem(err), nil
	}
	problem, err := t.whoseFile(ctx, c, s, owner)
	return abmtoken.Token{}, "", problem, err
}

// candidates picks the keys that may open a file: the one that it names, else those that cannot be told by their
// certificate.
func candidates(ring []enrollment.KeyFact, envelope *abmtoken.Envelope) []enrollment.KeyFact {
	var anonymous []enrollment.KeyFact
	for _, fact := range ring {
		if fact.Recipient == "" {
			anonymous = append(anonymous, fact)
			continue
		}
		for _, recipient := range envelope.Recipients() {
			if recipient.Recipient.String() == fact.Recipient {
				return []enrollment.KeyFact{fact}
			}
		}
	}
	return anonymous
}

// whoseFile says whose a file is that no key of the server opens: that of another server of the tenant, by name; what
// belongs to another tenant is answered like what belongs to nobody, and written down where the tenant does not see it.
func (t *Tenant) whoseFile(ctx context.Context, c *change, s *tracked[serverRecord], owner *ownerRecord) (*enrollment.Problem, error) {
	switch {
	case owner == nil || owner.Tenant == t.id && owner.Server == s.Value.ID:
		return enrollment.NewProblem(enrollment.CodeNoKeyFits), nil
	case owner.Tenant == t.id:
		other, err := c.servers.Get(ctx, string(t.id), string(owner.Server))
		if err != nil {
			return nil, err
		}
		return enrollment.NewProblem(enrollment.CodeOtherServer, "server", other.Value.Name), nil
	}
	return enrollment.NewProblem(enrollment.CodeNoKeyFits), c.noteInstallation(ctx, enrollment.AuditFact{
		Act: enrollment.ActFileRefused, By: enrollment.Nobody, Detail: map[string]string{
			"problem": "belongs to another tenant", "uploaded_by": string(t.id), "server": string(s.Value.ID),
			"owner": string(owner.Tenant),
		},
	})
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
		return "", c.note(ctx, s, enrollment.AuditFact{
			Act: enrollment.ActFileRefused, By: by, Detail: map[string]string{"problem": string(problem.Code)},
		})
	}
	_, err = c.step(ctx, s, r, renewal.UploadRefused{By: by, Problem: problem})
	return r.Value.ID, err
}
