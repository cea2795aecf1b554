package runner

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

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
	return enrollment.NewProblem(enrollment.CodeNoKeyFits), c.noteForeign(ctx, owner, s.Value.ID)
}

// noteForeign writes down, for the installation only, that a tenant has got hold of another one's file.
func (c *change) noteForeign(ctx context.Context, owner *ownerRecord, server enrollment.ServerID) error {
	return c.noteInstallation(ctx, enrollment.AuditFact{
		Act: enrollment.ActFileRefused, By: enrollment.Nobody, Detail: map[string]string{
			"problem": "belongs to another tenant", "uploaded_by": c.tenant.Tenant, "server": string(server),
			"owner": string(owner.Tenant),
		},
	})
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
