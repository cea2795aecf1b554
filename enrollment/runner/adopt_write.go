package runner

import (
	"context"
	"errors"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// adoptBatch writes rows of one tenant together.
func (r *Runner) adoptBatch(ctx context.Context, by enrollment.Actor, batch []preparedRow) ([]RowResult, error) {
	secrets := make([]string, len(batch))
	for i := range batch {
		secrets[i] = r.cfg.NewID("tok")
	}
	var results []RowResult
	err := r.change(ctx, batch[0].Tenant, func(c *change) error {
		results = results[:0]
		if err := c.open(ctx, by); err != nil {
			problem, told := errors.AsType[*enrollment.Problem](err)
			if !told {
				return err // of the store or the keys: nothing is known about the rows
			}
			for _, row := range batch {
				results = append(results, row.refused(problem))
			}
			return nil
		}
		for i, row := range batch {
			result, err := c.adopt(ctx, by, row, secrets[i])
			if err != nil {
				return err
			}
			results = append(results, result)
		}
		return nil
	})
	return results, err
}

// adopt adds one row to the write, whole or not at all. The error is one of the store.
func (c *change) adopt(ctx context.Context, by enrollment.Actor, row preparedRow, secret string) (RowResult, error) {
	s, seen := c.serversSeen.seen[string(row.id)]
	if !seen {
		var err error
		if s, err = c.serversSeen.find(ctx, c, string(row.id)); err != nil {
			return RowResult{}, err
		}
		if !s.found {
			s.Value = serverRecord{
				Server: enrollment.Server{
					ID: row.id, Tenant: row.Tenant, Site: row.Site, Name: row.Name, Reference: row.Reference, CreatedAt: c.now,
				},
				care: care{Watch: renewal.NewWatch(row.Tenant, row.id)},
			}
		}
	}
	problem, err := c.adoptable(ctx, s, row)
	if err != nil {
		return RowResult{}, err
	}
	if problem != nil {
		return row.refused(problem), nil
	}
	c.serversSeen.put(s) // from here on the row is part of the write
	outcome := RowUnchanged
	if !s.found {
		s.found, s.moved, outcome = true, true, RowAdded
		if err := c.note(ctx, subjectOf(s), enrollment.AuditFact{
			Act: enrollment.ActServerAdopted, By: by,
			Detail: map[string]string{"name": row.Name, "site": string(row.Site), "reference": row.Reference},
		}); err != nil {
			return RowResult{}, err
		}
	}
	changed, err := c.adoptKeys(ctx, by, s, row)
	if err != nil {
		return RowResult{}, err
	}
	replaced, err := c.adoptToken(ctx, by, s, row, secret)
	if err != nil {
		return RowResult{}, err
	}
	if outcome == RowUnchanged && (changed || replaced) {
		outcome = RowUpdated
	}
	result := row.result(outcome)
	if s.Value.Token != nil && len(s.Value.Keys) == 0 {
		result.Warning = enrollment.NewProblem(enrollment.CodeKeyMissing)
	}
	return result, nil
}

// adoptable says what stands against a row; nil: nothing.
func (c *change) adoptable(ctx context.Context, s *tracked[serverRecord], row preparedRow) (*enrollment.Problem, error) {
	if s.Value.Retired() {
		return enrollment.NewProblem(enrollment.CodeRetired), nil
	}
	active := s.Value.Token
	if active != nil && !row.token.IsZero() && row.token.Expires().Before(active.Expires) {
		return enrollment.NewProblem(enrollment.CodeOlderToken,
			"expires", row.token.Expires().Format(stamp), "active", active.Expires.Format(stamp)), nil
	}
	if row.ServerUUID == "" {
		return nil, nil
	}
	if pin := s.Value.Pin; !pin.IsZero() && enrollment.NormalUUID(pin.ServerUUID) != enrollment.NormalUUID(row.ServerUUID) {
		return enrollment.NewProblem(enrollment.CodeOtherService, "service", row.ServerUUID), nil
	}
	owner, err := c.otherOwner(ctx, s, row.ServerUUID)
	switch {
	case err != nil || owner == nil:
		return nil, err
	case owner.Name != "":
		return enrollment.NewProblem(enrollment.CodeOtherServer, "server", owner.Name), nil
	}
	return enrollment.NewProblem(enrollment.CodeServiceTaken), nil
}

const stamp = "2006-01-02 15:04:05 UTC"

func (c *change) adoptKeys(ctx context.Context, by enrollment.Actor, s *tracked[serverRecord], row preparedRow) (bool, error) {
	added := false
	for _, pair := range row.pairs {
		if _, held := s.Value.Key(pair.ID()); held {
			continue
		}
		if err := c.addKey(ctx, s, pair, true); err != nil {
			return false, err
		}
		added = true
		if err := c.note(ctx, subjectOf(s), enrollment.AuditFact{
			Act: enrollment.ActKeyMade, By: by, Detail: map[string]string{"key": pair.ID(), "source": "adopted"},
		}); err != nil {
			return false, err
		}
	}
	if row.ServerUUID == "" || !s.Value.Pin.IsZero() {
		return added, nil
	}
	s.Value.Pin, s.moved = enrollment.Pin{
		ServerUUID: enrollment.NormalUUID(row.ServerUUID), OrgID: row.OrgID, OrgName: row.OrgName, Source: enrollment.PinnedByHost,
	}, true
	return true, c.claimService(ctx, s, row.ServerUUID)
}

// adoptToken puts the row's token in use. It was in use at the host, so that nobody is asked first; a probe follows.
func (c *change) adoptToken(
	ctx context.Context, by enrollment.Actor, s *tracked[serverRecord], row preparedRow, secret string,
) (bool, error) {
	active := s.Value.Token
	if row.token.IsZero() || active != nil && active.Fingerprint == row.token.Fingerprint() {
		return false, nil
	}
	if active != nil {
		if err := c.dropSecret(ctx, secretRef(s.Value.Server, secretToken, active.Secret)); err != nil {
			return false, err
		}
	}
	token := enrollment.Token{
		Generation: s.Value.Generation() + 1, Secret: secret, Fingerprint: row.token.Fingerprint(),
		ConsumerKey: row.token.ConsumerKey(), Expires: row.token.Expires(), KeyID: row.keyID, ActivatedAt: c.now,
	}
	s.Value.Token, s.moved = &token, true
	if err := c.sealSecret(ctx, secretRef(s.Value.Server, secretToken, secret), []byte(row.token.JSON().Reveal())); err != nil {
		return false, err
	}
	if err := c.watch(ctx, subjectOf(s), renewal.CredentialActivated{Generation: token.Generation, Expires: token.Expires}); err != nil {
		return false, err
	}
	live, err := c.live(ctx, s)
	if err != nil {
		return false, err
	}
	if live != nil {
		if _, err := c.step(ctx, s, live, renewal.TokenReplaced{Server: s.Value.Server}); err != nil {
			return false, err
		}
	}
	return true, c.note(ctx, subjectOf(s), enrollment.AuditFact{
		Act: enrollment.ActTokenAdopted, By: by,
		Detail: map[string]string{"fingerprint": token.Fingerprint, "expires": token.Expires.Format(time.RFC3339)},
	})
}
