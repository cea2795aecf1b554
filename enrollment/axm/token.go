package axm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxBearer     = 8 << 10        // bytes of a bearer token, which goes into a header
	spare         = time.Minute    // how long before its end a token is not used any more
	longestToken  = 24 * time.Hour // how long a token is believed to live at most; Apple's live an hour
)

// bearer is a token of the API. The zero bearer is none.
type bearer struct {
	token       abmtoken.Secret
	since, ends time.Time
}

// good reports whether the token may be used. A clock that was set back ends it.
func (b bearer) good(now time.Time) bool { return !now.Before(b.since) && now.Before(b.ends) }

// tokens is the one token that a client's calls share.
type tokens struct {
	ask    func(context.Context) (bearer, error)
	now    func() time.Time
	flight singleflight.Group

	mu   sync.Mutex
	held bearer
}

// get returns a token, and asks for one if there is none. Calls that wait for the same one share it, and each leaves when its
// own context ends.
func (t *tokens) get(ctx context.Context) (string, error) {
	if held := t.current(); held != "" {
		return held, nil
	}
	if ctx.Err() != nil {
		return "", unbegun(ctx, tokenOp)
	}
	// Detached, because the first who asks must not take the others along; send has a deadline.
	shared := context.WithoutCancel(ctx)
	answer := t.flight.DoChan("", func() (any, error) {
		if held := t.current(); held != "" {
			return held, nil
		}
		fresh, err := t.ask(shared)
		if err != nil {
			return "", err
		}
		t.mu.Lock()
		t.held = fresh
		t.mu.Unlock()
		return fresh.token.Reveal(), nil
	})
	select {
	case got := <-answer:
		token, _ := got.Val.(string)
		return token, got.Err
	case <-ctx.Done():
		return "", unbegun(ctx, tokenOp)
	}
}

func (t *tokens) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.held.good(t.now()) {
		return ""
	}
	return t.held.token.Reveal()
}

// ended forgets a token that Apple does not take, unless another has taken its place.
func (t *tokens) ended(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.token.Reveal() == token {
		t.held = bearer{}
	}
}

const tokenOp = "token request"

// askToken asks the token endpoint (Apple, "Implementing OAuth for the API").
func (c *Client) askToken(ctx context.Context) (bearer, error) {
	now := c.service.now()
	assertion, err := c.credentials.assertion(now)
	if err != nil {
		return bearer{}, err
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.credentials.clientID}, "client_assertion_type": {assertionType},
		"client_assertion": {assertion}, "scope": {c.credentials.scope()},
	}
	r := request{
		op: tokenOp, method: http.MethodPost, to: c.service.token, body: []byte(form.Encode()),
		contentType: "application/x-www-form-urlencoded", hide: secrets{assertion}, limit: 64 << 10,
	}
	body, err := c.service.send(ctx, r)
	if err != nil {
		return bearer{}, err
	}
	var answer struct {
		Token untrusted.Text `json:"access_token"`
		Type  untrusted.Text `json:"token_type"`
		Life  json.Number    `json:"expires_in"`
	}
	if err := decode(tokenOp, body, &answer); err != nil {
		return bearer{}, err
	}
	seconds, err := answer.Life.Int64()
	if err != nil || seconds <= 0 || !untrusted.Identifier(string(answer.Token), maxBearer) || !strings.EqualFold(string(answer.Type), "Bearer") {
		return bearer{}, fmt.Errorf("%w: %s: there is no bearer token in it", ErrAnswer, tokenOp)
	}
	life := longestToken
	if seconds < int64(longestToken/time.Second) {
		life = time.Duration(seconds) * time.Second
	}
	return bearer{abmtoken.NewSecret(string(answer.Token)), now, now.Add(life - min(spare, life/2))}, nil
}
