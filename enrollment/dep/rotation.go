package dep

import (
	"context"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Any answer may bring another session, to be used from then on (Apple, "Authenticating with a device management
// server"). Apple does not say whether the one before still lives, so once that happens calls go one by one: of two at the
// same time, one might end the session of the other. A call that is repeated for its session goes alone as well.

// width is how many calls may go at the same time.
const width = 32

// turns lets calls go together or alone.
type turns struct {
	slots chan struct{} // a call has one; who goes alone has all
	alone chan struct{} // who collects them, so that no two have a half each
}

func newTurns() turns {
	return turns{slots: make(chan struct{}, width), alone: make(chan struct{}, 1)}
}

// take waits until a call may go; give ends its turn.
func (t turns) take(ctx context.Context, alone bool) (give func(), err error) {
	if !alone {
		if err := put(ctx, t.slots); err != nil {
			return nil, err
		}
		return func() { <-t.slots }, nil
	}
	if err := put(ctx, t.alone); err != nil {
		return nil, err
	}
	taken := 0
	give = func() {
		for range taken {
			<-t.slots
		}
		<-t.alone
	}
	for ; taken < width; taken++ {
		if err := put(ctx, t.slots); err != nil {
			give()
			return nil, err
		}
	}
	return give, nil
}

func put(ctx context.Context, into chan struct{}) error {
	select {
	case into <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn waits until a call may go.
func (s *sessions) turn(ctx context.Context, op string, repeated bool) (give func(), err error) {
	s.mu.Lock()
	alone := repeated || s.replaced
	s.mu.Unlock()
	give, err = s.turns.take(ctx, alone)
	if err != nil {
		return nil, unbegun(ctx, op)
	}
	return give, nil
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
