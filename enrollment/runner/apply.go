package runner

import (
	"context"
	"maps"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

const renewalPrefix = "rnw_"

// step takes one event of a renewal and puts all that follows from it into the write: the snapshot, the server with its
// new token, the service that it stands for, the secrets that are not needed any more, and the audit.
func (c *change) step(
	ctx context.Context, s *tracked[serverRecord], r *tracked[renewal.Renewal], ev renewal.Event,
) (renewal.Transition, error) {
	tr, err := r.Value.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return tr, err
	}
	return tr, c.apply(ctx, s, r, tr)
}

func (c *change) apply(
	ctx context.Context, s *tracked[serverRecord], r *tracked[renewal.Renewal], tr renewal.Transition,
) error {
	r.Value, r.moved = tr.Renewal, true
	if tr.Activate != nil {
		if err := c.activate(ctx, s, *tr.Activate); err != nil {
			return err
		}
	}
	switch live := tr.Renewal.Live(); {
	case live && s.Value.Renewal != tr.Renewal.ID:
		s.Value.Renewal, s.moved = tr.Renewal.ID, true
	case !live && s.Value.Renewal == tr.Renewal.ID:
		s.Value.Renewal, s.moved = "", true
	}
	for _, id := range tr.Drop {
		if err := c.dropSecret(ctx, secretRef(s.Value.Server, secretToken, id)); err != nil {
			return err
		}
	}
	return c.note(ctx, subjectOf(s), ofRenewal(tr.Renewal.ID, tr.Audit)...)
}

// activate puts a new token in use.
func (c *change) activate(ctx context.Context, s *tracked[serverRecord], a enrollment.Activation) error {
	if err := c.claimService(ctx, s, a.Pin.ServerUUID); err != nil {
		return err
	}
	s.Value.Server = s.Value.Activated(a)
	return c.watch(ctx, subjectOf(s), renewal.CredentialActivated{
		Generation: a.Token.Generation, Expires: a.Token.Expires, Verified: true,
	})
}

// ofRenewal marks the entries of a server's history that a renewal made.
func ofRenewal(id enrollment.RenewalID, facts []enrollment.AuditFact) []enrollment.AuditFact {
	out := make([]enrollment.AuditFact, len(facts))
	for i, fact := range facts {
		detail := maps.Clone(fact.Detail)
		if detail == nil {
			detail = map[string]string{}
		}
		detail["renewal"] = string(id)
		fact.Detail = detail
		out[i] = fact
	}
	return out
}

// service reads whose a service at Apple is, to be held or changed by the write.
func (c *change) service(ctx context.Context, uuid string) (*tracked[ownerRecord], error) {
	return seen(ctx, c.servicesSeen, c.services, enrollment.NormalUUID(uuid))
}

// recipient reads whose a certificate is, to be held or changed by the write.
func (c *change) recipient(ctx context.Context, digest string) (*tracked[ownerRecord], error) {
	return seen(ctx, c.recipientsSeen, c.recipients, digest)
}

func seen(
	ctx context.Context, known map[string]*tracked[ownerRecord], repo *storage.Repo[ownerRecord], id string,
) (*tracked[ownerRecord], error) {
	if o, ok := known[id]; ok {
		return o, nil
	}
	item, found, err := find(ctx, repo, "", id)
	if err != nil {
		return nil, err
	}
	o := &tracked[ownerRecord]{Item: item, found: found}
	known[id] = o
	return o, nil
}

// otherOwner returns the server, if another one, that stands for a service. Its name is told only within its own tenant.
func (c *change) otherOwner(ctx context.Context, s *tracked[serverRecord], uuid string) (*renewal.Owner, error) {
	if uuid == "" {
		return nil, nil
	}
	o, err := c.service(ctx, uuid)
	if err != nil || !o.found || ownedBy(o, s) {
		return nil, err
	}
	owner := &renewal.Owner{Server: o.Value.Server}
	if o.Value.Tenant == s.Value.Tenant {
		other, err := c.server(ctx, o.Value.Server)
		if err != nil {
			return nil, err
		}
		owner.Name = other.Value.Name
	}
	return owner, nil
}

// claimService makes the server the one that stands for a service. The caller has made sure that nobody else does.
func (c *change) claimService(ctx context.Context, s *tracked[serverRecord], uuid string) error {
	o, err := c.service(ctx, uuid)
	if err != nil || o.found && ownedBy(o, s) {
		return err
	}
	if o.found {
		return enrollment.NewProblem(enrollment.CodeServiceTaken)
	}
	o.Value = ownerRecord{Tenant: s.Value.Tenant, Server: s.Value.ID}
	o.found, o.moved = true, true
	return nil
}

func ownedBy(o *tracked[ownerRecord], s *tracked[serverRecord]) bool {
	return o.Value.Tenant == s.Value.Tenant && o.Value.Server == s.Value.ID
}
