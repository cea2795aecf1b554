package dep

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/hold"
)

// Client calls Apple for one server, with the newest token of its source. It is safe for concurrent use; it starts no
// goroutine that outlives [Options.Timeout].
type Client struct {
	service  *service
	source   abmtoken.Source
	sessions sessions
	hold     hold.Hold

	mu     sync.Mutex
	limits map[string]Limit // of /account, by path; nil: not asked yet
	uuid   string           // of /account: which service this is; empty: not asked yet
}

// NewClient makes a client. Before each call it asks the source for the token, so that a renewed one is used at once,
// and after it reports to the source what Apple said.
//
// Its errors are [ErrFIPS] and [ErrOptions].
func NewClient(source abmtoken.Source, o Options) (*Client, error) {
	if source == nil {
		return nil, wrongOption("there is no source of tokens")
	}
	s, err := o.service()
	if err != nil {
		return nil, err
	}
	return newClient(s, source), nil
}

func newClient(s *service, source abmtoken.Source) *Client {
	return &Client{service: s, source: source, sessions: sessions{open: s.open, turns: newTurns()}}
}

// errNoToken: the source gave an empty token.
var errNoToken = errors.New("there is none")

// do makes a call and reads its answer. A session or token that Apple refuses is tried once more, with a fresh session of
// the newest token: sessions end without notice, and tokens are replaced meanwhile. Nothing else is repeated.
func (c *Client) do(ctx context.Context, k call, into any) error {
	if err := c.held(k.op(), c.service.now()); err != nil {
		return err
	}
	var refused abmtoken.Token // whose session was refused
	var answer error
	for {
		token, err := c.source.Token(ctx)
		if err == nil && token.IsZero() {
			err = errNoToken
		}
		if err != nil {
			return fmt.Errorf("dep: %s: no server token to ask with: %w", k.op(), err)
		}
		if answer != nil && refused.Fingerprint() == token.Fingerprint() {
			return c.report(ctx, token, answer)
		}
		body, opened, err := c.try(ctx, token, k, answer != nil)
		c.note(err, c.service.now())
		if answer == nil && again(err) {
			answer = err
			if !opened {
				refused = token
			}
			continue
		}
		if err == nil {
			if err = decode(k, body, into); err != nil {
				return k.maybe(err)
			}
		}
		if opened {
			err = k.maybe(err)
		}
		return c.report(ctx, token, err)
	}
}

// again reports whether a fresh session or a newer token might help.
func again(err error) bool {
	e, is := errors.AsType[*Error](err)
	return is && (e.Status == http.StatusUnauthorized ||
		e.Status == http.StatusForbidden && (e.Code == CodeForbidden || e.Code == CodeTokenRejected || e.Code == CodeSignatureInvalid))
}

// try makes a call with a token; opened says that there was a session for it.
func (c *Client) try(ctx context.Context, token abmtoken.Token, k call, repeated bool) (body []byte, opened bool, err error) {
	give, err := c.sessions.turn(ctx, k.op(), repeated)
	if err != nil {
		return nil, false, err
	}
	defer give()
	id, err := c.sessions.get(ctx, token)
	if err != nil {
		return nil, false, err
	}
	authorize := func(r *http.Request) error {
		r.Header.Set(sessionHeader, id)
		return nil
	}
	reply, err := c.service.send(ctx, k, authorize, secretsOf(token, append(k.hide, id)...))
	if again(err) {
		c.sessions.ended(id)
	} else if reply.session != "" {
		c.sessions.rotated(token, id, reply.session)
	}
	return reply.body, true, err
}

// Format writes no more than the type's name, whatever the verb: a client holds a session.
func (*Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("dep.Client")) }

// report tells the source what Apple said about a token. That the source did not take it is told with a refusal only: a
// success stays one, and the next will be reported again.
func (c *Client) report(ctx context.Context, token abmtoken.Token, answer error) error {
	definite := errors.Is(answer, abmtoken.ErrRejected) || errors.Is(answer, abmtoken.ErrTermsPending)
	if answer != nil && !definite {
		return answer
	}
	err := c.source.Answered(ctx, token, answer)
	if answer != nil && err != nil {
		return errors.Join(answer, fmt.Errorf("dep: the source of tokens could not be told: %w", err))
	}
	return answer
}
