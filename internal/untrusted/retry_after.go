package untrusted

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxWait is the longest wait that is believed.
const MaxWait = 24 * time.Hour

// RetryAfter reads both forms of the header (RFC 9110, 10.2.3): seconds, or a date on the clock of who sent it.
func RetryAfter(text string, date time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 64 {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		if seconds > uint64(MaxWait/time.Second) {
			return MaxWait
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(date), 0), MaxWait)
}
