package dep

import (
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// CursorLife is how long Apple takes a cursor (Apple, "Sync the list of devices"): seven days. A host that did not sync
// for longer begins again with [Client.FetchDevices].
const CursorLife = 7 * 24 * time.Hour

// maxCursor is the length that Apple documents.
const maxCursor = 1000

const (
	fetchPath = "/server/devices"
	syncPath  = "/devices/sync"
)

const (
	usualPage   = 1000 // devices; Apple's documented maximum
	largestPage = 5000 // observed as the maximum of a live account; what [Options.MaxPage] has room for
)

// From says where a list of devices begins.
type From struct {
	// Cursor is that of the last page that was stored. A fetch may begin without one, a sync may not.
	Cursor string
	// Limit is how many devices a page may have; zero: 1000, which is the maximum that Apple documents. More are asked
	// for only if [Client.Account] has said that this account may, and then at most 5000.
	Limit int
}

type pageRequest struct {
	Cursor string `json:"cursor,omitempty"`
	Limit  int    `json:"limit"`
}

// pageRequest checks where to begin, before anything is sent.
func (c *Client) pageRequest(path string, from From) (pageRequest, error) {
	if from.Limit < 0 {
		return pageRequest{}, wrongInput("From.Limit is negative")
	}
	if from.Cursor == "" && path == syncPath {
		return pageRequest{}, fmt.Errorf("%w: a sync begins where a fetch ended, and there is no cursor", ErrCursor)
	}
	if from.Cursor != "" && !untrusted.Identifier(from.Cursor, maxCursor) {
		return pageRequest{}, fmt.Errorf("%w: it is none of Apple's", ErrCursor)
	}
	most := usualPage
	c.mu.Lock()
	if known := c.limits[path].Maximum; known > 0 {
		most = min(known, largestPage)
	}
	c.mu.Unlock()
	limit := from.Limit
	if limit == 0 {
		limit = usualPage
	}
	return pageRequest{from.Cursor, min(limit, most)}, nil
}
