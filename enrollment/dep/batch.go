package dep

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// MaxDevices is how many devices Apple wants to be named in one call. Calls about more are split.
const MaxDevices = 1000

// IncompleteError is the error of a call about devices that could not be finished. What was answered before is among the
// results that come with it.
type IncompleteError struct {
	Err   error    // what went wrong
	Asked []string // the devices of the request that failed; [Outcome] says whether it may have been carried out
	Rest  []string // the devices that Apple was not asked about
}

// Error says how far it came.
func (e *IncompleteError) Error() string {
	if len(e.Rest) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (%d devices later in the list were not asked about)", e.Err, len(e.Rest))
}

// Unwrap returns what went wrong.
func (e *IncompleteError) Unwrap() error { return e.Err }

// statusesAnswer is the answer to calls that do something to devices. A null or missing list is none: see results.
type statusesAnswer struct {
	UUID    untrusted.Text            `json:"profile_uuid"`
	Devices map[string]untrusted.Text `json:"devices"`
	Retry   untrusted.Count           `json:"retry_after_seconds"`
}

// batches calls ask for each part of the serial numbers until one fails.
func batches(serials []string, ask func(part []string) error) error {
	serials, err := distinct(serials)
	if err != nil {
		return err
	}
	for begin := 0; begin < len(serials); begin += MaxDevices {
		end := min(begin+MaxDevices, len(serials))
		if err := ask(serials[begin:end]); err != nil {
			return &IncompleteError{Err: err, Asked: slices.Clone(serials[begin:end]), Rest: slices.Clone(serials[end:])}
		}
	}
	return nil
}

// change does something to devices; body makes the request about some of them. The results are in the order of the
// serial numbers.
func (c *Client) change(ctx context.Context, k call, serials []string, body func(part []string) any) ([]Result, error) {
	var results []Result
	k.write = true
	err := batches(serials, func(part []string) error {
		k := k
		k.body = body(part)
		var answer statusesAnswer
		if err := c.do(ctx, k, &answer); err != nil {
			return err
		}
		wait := min(time.Duration(answer.Retry)*time.Second, untrusted.MaxWait)
		for _, serial := range part {
			r := Result{Serial: serial, Status: Status(answer.Devices[serial].ID()), op: k.op(), write: true}
			if r.Status == StatusThrottled {
				r.RetryAfter = wait
			}
			results = append(results, r)
		}
		return nil
	})
	return results, err
}
