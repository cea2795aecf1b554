package axm

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	maxPage   = 1000   // entries of a page; Apple's documented maximum
	maxPages  = 10_000 // pages of a list; more than ten million entries are none
	maxEmpty  = 20     // pages without entries, one after the other
	maxCursor = 4 << 10
)

// resource is an entry of an answer (JSON:API).
type resource struct {
	Type       untrusted.Text  `json:"type"`
	ID         untrusted.Text  `json:"id"`
	Attributes json.RawMessage `json:"attributes"`
}

// list asks for a list page by page, as entries are wanted. An error ends it; what came before is not all.
func list[T any](ctx context.Context, c *Client, path, kind string, read func(resource) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		k := call{method: http.MethodGet, path: path, query: url.Values{"limit": {strconv.Itoa(c.service.pageSize)}}}
		seen, empty := map[string]struct{}{}, 0
		for {
			page, next, err := c.page(ctx, k)
			if err != nil {
				yield(none, err)
				return
			}
			for i, r := range page {
				value, err := typed(k.op(), r, kind, read)
				if err != nil {
					yield(none, fmt.Errorf("%w: entry %d of the page", err, i+1))
					return
				}
				if !yield(value, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if empty++; len(page) > 0 {
				empty = 0
			}
			if _, twice := seen[next]; twice || len(seen) == maxPages || empty == maxEmpty {
				yield(none, fmt.Errorf("%w: %s", ErrLoop, k.op()))
				return
			}
			seen[next] = struct{}{}
			k.query.Set("cursor", next)
		}
	}
}

// page asks for one page and says where the list goes on; empty: nowhere. Of Apple's link to the next page only the cursor is
// taken: an address from an answer is never followed.
func (c *Client) page(ctx context.Context, k call) (data []resource, next string, err error) {
	var answer struct {
		Data  *[]resource `json:"data"`
		Links struct {
			Next untrusted.Text `json:"next"`
		} `json:"links"`
		Meta struct {
			Paging struct {
				Next untrusted.Text `json:"nextCursor"`
			} `json:"paging"`
		} `json:"meta"`
	}
	if err := c.do(ctx, k, &answer); err != nil {
		return nil, "", err
	}
	next = string(answer.Meta.Paging.Next)
	if link := string(answer.Links.Next); next == "" && link != "" {
		if u, err := url.Parse(link); err == nil {
			next = u.Query().Get("cursor")
		}
		if next == "" {
			return nil, "", fmt.Errorf("%w: %s: it does not say where the list goes on", ErrAnswer, k.op())
		}
	}
	if answer.Data == nil || next != "" && !untrusted.Identifier(next, maxCursor) {
		return nil, "", fmt.Errorf("%w: %s: it is no list, or does not say where it goes on", ErrAnswer, k.op())
	}
	return *answer.Data, next, nil
}

// one asks for a single entry, or changes one.
func one[T any](ctx context.Context, c *Client, k call, kind string, read func(resource) (T, error)) (T, error) {
	var none T
	var answer struct {
		Data resource `json:"data"`
	}
	if err := c.do(ctx, k, &answer); err != nil {
		return none, err
	}
	value, err := typed(k.op(), answer.Data, kind, read)
	if err != nil {
		return none, k.maybe(err)
	}
	return value, nil
}

// typed reads an entry. One of another type, or without an ID, is refused: it would stand for something else.
func typed[T any](op string, r resource, kind string, read func(resource) (T, error)) (T, error) {
	if r.Type.ID() != kind || r.ID.ID() == "" {
		var none T
		return none, fmt.Errorf("%w: %s: an entry is none of %s", ErrAnswer, op, kind)
	}
	value, err := read(r)
	if err != nil {
		return value, fmt.Errorf("%w: %s: %w", ErrAnswer, op, err)
	}
	return value, nil
}

// attributes reads those of an entry. Attributes that are not known come without notice (Apple, release notes) and are left.
func (r resource) attributes(into any) error {
	if len(r.Attributes) == 0 || string(r.Attributes) == "null" {
		return nil
	}
	if json.Unmarshal(r.Attributes, into) != nil {
		return errAttributes
	}
	return nil
}
