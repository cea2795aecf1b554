package nanomdm

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest Retry-After that is believed.
const maxWait = 24 * time.Hour

// retryAfter reads both forms of the header (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxWait)
}
