package dep

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Verifier asks Apple whose token this is, for any token. It keeps no session and is safe for concurrent use.
type Verifier struct{ service *service }

var _ abmtoken.Verifier = (*Verifier)(nil)

// NewVerifier makes a verifier. Its errors are [ErrFIPS] and [ErrOptions].
func NewVerifier(o Options) (*Verifier, error) {
	s, err := o.service()
	if err != nil {
		return nil, err
	}
	return &Verifier{s}, nil
}

// Account asks for a session and for the account of a token. A definite refusal is an [*Error] that matches one of
// abmtoken's ErrRejected, ErrTermsPending and ErrAccessDenied; every other error, [ErrClock] included, says nothing about
// the token.
func (v *Verifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	a, err := newClient(v.service, abmtoken.Static(token)).Account(ctx)
	if err != nil {
		return abmtoken.Account{}, err
	}
	if a.ServerUUID == "" {
		return abmtoken.Account{}, fmt.Errorf("%w: GET /account: it names no service", ErrAnswer)
	}
	return abmtoken.Account{
		ServerUUID: a.ServerUUID, ServerName: a.ServerName, AdminID: a.AdminID,
		OrgID: a.OrgID, OrgIDHash: a.OrgIDHash, OrgName: a.OrgName, OrgType: a.OrgType,
	}, nil
}
