package dep

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// maxSession bounds a session token, which goes into a header. Apple's are about 100 bytes.
const maxSession = 4096

// open asks for a session (Apple, "Authenticating with a device management server").
func (s *service) open(ctx context.Context, token abmtoken.Token) (string, error) {
	authorize := func(r *http.Request) error {
		header, err := authorization(r.Method, r.URL, token, newNonce(), s.now())
		if err != nil {
			return fmt.Errorf("dep: OAuth signature: %w", err)
		}
		r.Header.Set("Authorization", header)
		return nil
	}
	k := call{method: http.MethodGet, path: "/session"}
	reply, err := s.send(ctx, k, authorize, secretsOf(token))
	if err != nil {
		return "", err
	}
	var answer struct {
		Session untrusted.Text `json:"auth_session_token"`
	}
	if err := decode(k, reply.body, &answer); err != nil {
		return "", err
	}
	if !untrusted.Identifier(string(answer.Session), maxSession) {
		return "", fmt.Errorf("%w: %s: no session token", ErrAnswer, k.op())
	}
	return string(answer.Session), nil
}

// sessions is the one session that a client's calls share. Sessions are shared because Apple does not say whether a
// token may have several, and any answer may replace the one that it was asked with.
type sessions struct {
	open   func(context.Context, abmtoken.Token) (string, error)
	flight singleflight.Group

	mu    sync.Mutex
	token string // the fingerprint of the token that the session belongs to
	id    abmtoken.Secret
	// replaced says that an answer has brought another session; see turns.
	replaced bool
	turns    turns
}

// get returns the session of a token, and opens one if there is none. Calls that wait for the same one share it, and
// each leaves when its own context ends.
func (s *sessions) get(ctx context.Context, token abmtoken.Token) (string, error) {
	if id := s.current(token); id != "" {
		return id, nil
	}
	// Detached, because the first who asks must not take the others along; send has a deadline.
	shared := context.WithoutCancel(ctx)
	answer := s.flight.DoChan(token.Fingerprint(), func() (any, error) {
		if id := s.current(token); id != "" {
			return id, nil
		}
		id, err := s.open(shared, token)
		if err == nil {
			s.set(token, id)
		}
		return id, err
	})
	select {
	case got := <-answer:
		id, _ := got.Val.(string)
		return id, got.Err
	case <-ctx.Done():
		return "", unbegun(ctx, sessionOp)
	}
}

func (s *sessions) current(token abmtoken.Token) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != token.Fingerprint() {
		return ""
	}
	return s.id.Reveal()
}

func (s *sessions) set(token abmtoken.Token, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.id = token.Fingerprint(), abmtoken.NewSecret(id)
}
