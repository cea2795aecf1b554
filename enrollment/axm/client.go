package axm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/abmrenew/abmrenew/internal/hold"
)

// Client calls the API for one account. It is safe for concurrent use; it starts no goroutine that outlives
// [Options.Timeout].
type Client struct {
	service     *service
	credentials Credentials
	tokens      tokens
	hold        hold.Hold

	mu    sync.Mutex
	known map[string]string // IDs of services, by what named them; see Organizations
}

// NewClient makes a client. Its errors match [ErrOptions].
func NewClient(c Credentials, o Options) (*Client, error) {
	if c.IsZero() {
		return nil, wrongOption("there are no credentials")
	}
	s, err := o.service(c.prefix())
	if err != nil {
		return nil, err
	}
	client := &Client{service: s, credentials: c, known: map[string]string{}}
	client.tokens = tokens{ask: client.askToken, now: s.now}
	return client, nil
}

// Format writes no more than the account, whatever the verb: a client holds a token.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("axm.Client of " + c.credentials.String()))
}

// call is one call of the API.
type call struct {
	method, path string
	query        url.Values
	body         any  // nil: none
	write        bool // Apple changes something
}

func (k call) op() string { return k.method + " " + k.path }

// do makes a call and reads its answer. A token that Apple does not take is tried once more, with a fresh one: tokens may end
// without notice. Nothing else is repeated.
func (c *Client) do(ctx context.Context, k call, into any) error {
	r := request{op: k.op(), method: k.method, limit: c.service.maxAnswer}
	to := *c.service.base
	to.Path, to.RawQuery = k.path, k.query.Encode()
	r.to = &to
	if k.body != nil {
		var err error
		if r.body, err = json.Marshal(k.body); err != nil {
			return wrongInput("%s: %v", r.op, err)
		}
		r.contentType = "application/json"
	}
	for repeated := false; ; repeated = true {
		if err := c.held(r.op, c.service.now()); err != nil {
			return err
		}
		token, err := c.tokens.get(ctx)
		if err != nil {
			c.note(err, c.service.now())
			return fmt.Errorf("axm: %s was not sent, because there is no token: %w", r.op, err)
		}
		if !repeated {
			if err := c.spend(ctx, k); err != nil {
				return err
			}
		}
		r.bearer = token
		body, err := c.service.send(ctx, r)
		c.note(err, c.service.now())
		if refused, is := errors.AsType[*Error](err); is && refused.Status == http.StatusUnauthorized {
			c.tokens.ended(token)
			if !repeated {
				continue
			}
		}
		if err == nil {
			err = decode(r.op, body, into)
		}
		return k.maybe(err)
	}
}
