package appletest

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refuses applies a fault that leaves the request undone. It returns false where the work must be done.
func (f Fault) refuses(a *Apple, w http.ResponseWriter, r *http.Request) bool {
	res := answer{}
	switch f.Kind {
	case Down, CutBefore:
	case Latency:
		if a.wait(r, f.Delay) {
			return false
		}
	case Status:
		res = answer{status: cmp.Or(f.Status, http.StatusInternalServerError), code: f.Code}
		if strings.HasPrefix(r.URL.Path, "/v1/") && f.Code != "" {
			res = apiError(res.status, f.Code, "")
		}
		if f.Delay > 0 {
			res = res.set("Retry-After", strconv.Itoa(int((f.Delay+time.Second-1)/time.Second)))
		}
	case Redirect:
		res = answer{status: http.StatusFound}.set("Location", cmp.Or(f.Location, "https://example.com/"))
	default:
		return false
	}
	a.mu.Lock()
	a.remember(call{apple: a, request: r}, res.status, res.code, f)
	quoted, now := a.behavior.QuotedErrors, a.clock()
	a.mu.Unlock()
	if res.isZero() {
		panic(http.ErrAbortHandler) // net/http's way of closing a connection without an answer
	}
	writeHeader(w, res, now)
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body(quoted))
	return true
}

// write sends the answer of a request that was done, as the fault would have it.
func (f Fault) write(a *Apple, w http.ResponseWriter, r *http.Request, status int, body []byte) {
	switch f.Kind {
	case CutAfter:
		panic(http.ErrAbortHandler)
	case CutDuring:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case WrongStatus:
		w.WriteHeader(cmp.Or(f.Status, http.StatusInternalServerError))
		_, _ = w.Write(body)
	case Garbage:
		_, _ = w.Write([]byte("<html>\x00\xff{\"cursor\": "))
	case Oversized:
		oversized(w, cmp.Or(f.Size, 64<<20))
	case SlowBody:
		w.WriteHeader(status)
		a.dribble(w, r, body, cmp.Or(f.Size, 16), f.Delay)
	default:
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// oversized writes a JSON string of n bytes.
func oversized(w http.ResponseWriter, n int) {
	piece := bytes.Repeat([]byte{'a'}, 32<<10)
	if _, err := w.Write([]byte{'"'}); err != nil {
		return
	}
	for n -= 2; n > 0; n -= len(piece) {
		if _, err := w.Write(piece[:min(n, len(piece))]); err != nil {
			return // the client has had enough
		}
	}
	_, _ = w.Write([]byte{'"'})
}

// dribble writes a body in pieces.
func (a *Apple) dribble(w http.ResponseWriter, r *http.Request, body []byte, size int, delay time.Duration) {
	for len(body) > 0 && a.wait(r, delay) {
		n := min(size, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		body = body[n:]
	}
}

// wait returns false if the client went away meanwhile.
func (a *Apple) wait(r *http.Request, d time.Duration) bool {
	select {
	case <-a.after(d):
		return true
	case <-r.Context().Done():
		return false
	}
}
