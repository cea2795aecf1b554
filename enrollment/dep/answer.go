package dep

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	maxErrorBody = 4 << 10 // bytes that are read of an error's body
	maxErrorText = 512     // bytes of it that are kept
)

// refusal reads an answer that is no success. What it hides are the credentials of the request, in case the answer
// repeats them. A process that was stopped after it had signed a request sends it late, which to Apple is a wrong clock: so what
// counts is the time at which the request was made, where that differs more.
func refusal(op string, res *http.Response, body []byte, made, now time.Time, hide secrets) *Error {
	text := hide.redact(unquote(body), len(body) == maxErrorBody)
	if strings.Contains(text, sessionField) {
		text = untrusted.Redacted // whoever hands out a session says nothing else
	}
	e := &Error{Op: op, Status: res.StatusCode, Body: untrusted.Clean(text, maxErrorText)}
	if isCode(text) {
		e.Code = Code(text)
	}
	date := now
	if skew, known := skewOf(res, now); known {
		e.Skew, date = skew, now.Add(skew)
		if late := date.Sub(made); late.Abs() > skew.Abs() {
			e.Skew = late
		}
	}
	e.Wait = untrusted.RetryAfter(res.Header.Get("Retry-After"), date)
	return e
}

// unquote takes the text out of a body, which is a bare code or a JSON string (both were observed).
func unquote(body []byte) string {
	text := strings.TrimSpace(strings.TrimPrefix(string(body), "\ufeff"))
	for range 2 { // a string in a string has been seen as well
		var inner string
		if !strings.HasPrefix(text, `"`) || json.Unmarshal([]byte(text), &inner) != nil {
			break
		}
		text = strings.TrimSpace(inner)
	}
	return text
}

// isCode reports whether a body is one word as Apple's codes are.
func isCode(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return text != "" && len(text) <= 64
}
