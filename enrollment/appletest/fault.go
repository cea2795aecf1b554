package appletest

import (
	"net/http"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults.
const (
	// Down refuses the connection; through [Apple.Handler], which has accepted it already, it is cut.
	Down FaultKind = "down"
	// CutBefore closes the connection before anything was done.
	CutBefore FaultKind = "cut_before"
	// CutAfter does the work and closes the connection without an answer.
	CutAfter FaultKind = "cut_after"
	// CutDuring does the work and closes the connection in the middle of the answer.
	CutDuring FaultKind = "cut_during"
	// Latency waits for Delay, then answers. A client that gives up meanwhile has had nothing done.
	Latency FaultKind = "latency"
	// SlowBody does the work and sends the answer in pieces of Size bytes (default 16), with Delay before each.
	SlowBody FaultKind = "slow_body"
	// Status answers with Status and Code, and with Retry-After if Delay is set; nothing is done.
	Status FaultKind = "status"
	// WrongStatus does the work and answers with Status and the body of the success.
	WrongStatus FaultKind = "wrong_status"
	// Garbage does the work and answers 200 with bytes that are no JSON.
	Garbage FaultKind = "garbage"
	// Oversized does the work and answers 200 with a body of Size bytes of JSON (default 64 MiB).
	Oversized FaultKind = "oversized"
	// Redirect answers 302 with Location; nothing is done.
	Redirect FaultKind = "redirect"
)

// Fault is something that goes wrong for some requests.
type Fault struct {
	Kind FaultKind

	// Which requests; empty fields match all.
	Method, Path string
	Service      *Service // asked with its tokens

	After int // let so many matching requests pass first
	Times int // then fail so many; zero: until cleared

	Status   int           // of Status (default 500) and WrongStatus (default 500)
	Code     string        // the body of Status
	Delay    time.Duration // of Latency and SlowBody; the Retry-After of Status
	Size     int           // of SlowBody and Oversized
	Location string        // of Redirect (default https://example.com/)
}

// Throttled answers 429 with a Retry-After. Apple does not document it for this service; clients must bear it.
func Throttled(retryAfter time.Duration) Fault {
	return Fault{Kind: Status, Status: http.StatusTooManyRequests, Delay: retryAfter}
}

// Unavailable answers 503 with a Retry-After.
func Unavailable(retryAfter time.Duration) Fault {
	return Fault{Kind: Status, Status: http.StatusServiceUnavailable, Delay: retryAfter}
}

// Denied answers 403 ACCESS_DENIED: the service may not do this.
func Denied(path string) Fault {
	return Fault{Kind: Status, Path: path, Status: http.StatusForbidden, Code: "ACCESS_DENIED"}
}
