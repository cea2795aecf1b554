package dep

import (
	"context"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Any answer may bring another session, to be used from then on (Apple, "Authenticating with a device management
// server"). Apple does not say whether the one before still lives, so once that happens calls go one by one: of two at the
// same time, one might end the session of the other.

// turn waits until a call may go; done ends it.
func (s *sessions) turn(ctx context.Context, op string) (done func(), err error) {
	s.mu.Lock()
	replaced := s.replaced
	s.mu.Unlock()
	if !replaced {
		return func() {}, nil
	}
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, &silence{op: op, err: context.Cause(ctx), unsent: true}
	}
}

// rotated takes a session over that an answer brought, unless another token's has come meanwhile.
func (s *sessions) rotated(token abmtoken.Token, asked, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != asked {
		s.replaced = true
	}
	if s.token == token.Fingerprint() {
		s.id = abmtoken.NewSecret(id)
	}
}

// ended forgets a session that Apple does not know any more, unless it was replaced meanwhile.
func (s *sessions) ended(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id.Reveal() == id {
		s.id = abmtoken.Secret{}
	}
}
