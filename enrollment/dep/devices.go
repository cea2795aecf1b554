package dep

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Page is a part of a list of devices.
type Page struct {
	Devices []Device
	// Cursor is where the list goes on. Store it after what the page says was stored, and the next run begins there:
	// with [Client.FetchDevices] if More is true, and otherwise with [Client.SyncDevices], within [CursorLife].
	Cursor string
	Until  time.Time // what happened before is in the list (fetched_until)
	More   bool      // pages follow
}

// FetchDevices lists all devices that are assigned to the service now, page by page; the range ends after the page that is
// the last. Pages are asked for as they are wanted: leaving the range early is right, and from the cursor of the last page
// another range goes on. What happens meanwhile comes with the first sync.
//
//	for page, err := range client.FetchDevices(ctx, dep.From{}) {
//		if err != nil {
//			return err
//		}
//		... store page.Devices, then page.Cursor and page.More
//	}
//
// An error ends the range. [ErrExhausted]: the cursor is that of a complete fetch; go on with a sync. [ErrCursor]: begin
// again without a cursor. [ErrLoop]: Apple's list does not end. Others are those of every call.
func (c *Client) FetchDevices(ctx context.Context, from From) iter.Seq2[Page, error] {
	return c.pages(ctx, fetchPath, from)
}

// SyncDevices lists what happened since a cursor, page by page, as [Client.FetchDevices] does; each device says what
// happened and when. A device may come several times; see [Latest].
//
// An error ends the range. [ErrCursor]: the cursor is older than [CursorLife], is none of this service's, or there is
// none; fetch all devices again. The others are those of FetchDevices.
func (c *Client) SyncDevices(ctx context.Context, from From) iter.Seq2[Page, error] {
	return c.pages(ctx, syncPath, from)
}

func (c *Client) pages(ctx context.Context, path string, from From) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		from, progress := from, progress{}
		for {
			page, err := c.page(ctx, path, from)
			if err != nil {
				yield(Page{}, err)
				return
			}
			// A page is handed out before it is judged, so that none is lost.
			if !yield(page, nil) || !page.More {
				return
			}
			if err := progress.check(from.Cursor, page); err != nil {
				yield(Page{}, fmt.Errorf("%s %s: %w", http.MethodPost, path, err))
				return
			}
			from.Cursor = page.Cursor
		}
	}
}

// page asks for one page. An answer without cursor or without more_to_follow is none: taking it for the end of the list
// would hide devices.
func (c *Client) page(ctx context.Context, path string, from From) (Page, error) {
	request, err := c.pageRequest(path, from)
	if err != nil {
		return Page{}, err
	}
	var answer struct {
		Devices []object       `json:"devices"`
		Cursor  untrusted.Text `json:"cursor"`
		Until   untrusted.Text `json:"fetched_until"`
		More    *bool          `json:"more_to_follow"`
	}
	k := call{method: http.MethodPost, path: path, body: request, page: true}
	if err := c.do(ctx, k, &answer); err != nil {
		return Page{}, err
	}
	if !untrusted.Identifier(string(answer.Cursor), maxCursor) || answer.More == nil {
		return Page{}, fmt.Errorf("%w: %s: it does not say where the list goes on", ErrAnswer, k.op())
	}
	page := Page{Cursor: string(answer.Cursor), Until: answer.Until.At(), More: *answer.More}
	page.Devices = make([]Device, len(answer.Devices))
	for i, o := range answer.Devices {
		if page.Devices[i], err = newDevice(o); err != nil {
			return Page{}, fmt.Errorf("%w: %s: device %d of the page: %w", ErrAnswer, k.op(), i+1, err)
		}
	}
	return page, nil
}
