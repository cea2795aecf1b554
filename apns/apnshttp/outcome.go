package apnshttp

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Outcome is what Apple's answer means.
type Outcome string

// The outcomes.
const (
	Accepted    Outcome = "accepted"    // Apple takes the certificate, and the push if there was one
	Certificate Outcome = "certificate" // the certificate is expired, revoked or not one for pushes
	Environment Outcome = "environment" // the certificate is for another push service
	Topic       Outcome = "topic"       // the certificate is not for these devices: all of them, never just one
	DeviceGone  Outcome = "device_gone" // the device no longer listens: Apple says to stop (410 only)
	DeviceToken Outcome = "device"      // the device token is wrong; that alone says nothing about the device
	Throttled   Outcome = "throttled"   // too much, too fast
	Transient   Outcome = "transient"   // Apple has a trouble of its own: later
	Request     Outcome = "request"     // the request is wrong, which is a fault of this package
)

// Result is an answer of Apple's.
type Result struct {
	Outcome    Outcome
	Reason     string        // Apple's own word; empty: none
	Status     int           // of HTTP; 0: Apple ended the connection instead of answering
	ID         string        // apns-id of a push
	Since      time.Time     // since when a device is gone; zero: not told
	RetryAfter time.Duration // zero: not told
}

// meanings are the documented reasons (Apple, "Handling notification responses from APNs", as read by sideshow/apns2 and
// go-apple-dm in 2026).
var meanings = map[string]Outcome{
	"BadCollapseId":               Request,
	"BadDeviceToken":              DeviceToken,
	"BadExpirationDate":           Request,
	"BadMessageId":                Request,
	"BadPriority":                 Request,
	"BadTopic":                    Topic,
	"DeviceTokenNotForTopic":      Topic,
	"DuplicateHeaders":            Request,
	"IdleTimeout":                 Transient,
	"InvalidPushType":             Request,
	"MissingDeviceToken":          Request,
	"MissingTopic":                Request,
	"PayloadEmpty":                Request,
	"TopicDisallowed":             Topic,
	"BadCertificate":              Certificate,
	"BadCertificateEnvironment":   Environment,
	"Forbidden":                   Certificate,
	"ExpiredProviderToken":        Certificate,
	"InvalidProviderToken":        Certificate,
	"MissingProviderToken":        Certificate, // no client certificate arrived
	"UnrelatedKeyIdInToken":       Certificate,
	"BadEnvironmentKeyIdInToken":  Environment,
	"BadPath":                     Request,
	"MethodNotAllowed":            Request,
	"PayloadTooLarge":             Request,
	"Unregistered":                DeviceGone,
	"ExpiredToken":                DeviceGone,
	"TooManyRequests":             Throttled,
	"TooManyProviderTokenUpdates": Throttled,
	"InternalServerError":         Transient,
	"ServiceUnavailable":          Transient,
	"Shutdown":                    Transient,
}

// meaning sorts an answer. A reason that is not documented counts by its status; a device is gone by status 410 only,
// whatever the reason says.
func meaning(status int, reason string) Outcome {
	known, documented := meanings[reason]
	switch {
	case status == http.StatusOK:
		return Accepted
	case status == http.StatusGone:
		return DeviceGone
	case documented && known != DeviceGone:
		return known
	case status == http.StatusForbidden:
		return Certificate
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == 0, status >= 500, documented: // an end of the connection without a known reason is Apple's own affair
		return Transient
	}
	return Request
}

// answered reads an answer; body is bounded by the caller.
func answered(status int, header http.Header, body []byte, now time.Time) Result {
	var said struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // milliseconds
	}
	_ = json.Unmarshal(body, &said) // a body that is no JSON has no reason
	r := Result{Status: status, Reason: word(said.Reason), ID: word(header.Get("apns-id"))}
	r.Outcome = meaning(status, r.Reason)
	if r.Outcome == DeviceGone && said.Timestamp > 0 && said.Timestamp < 1<<45 {
		r.Since = time.UnixMilli(said.Timestamp).UTC()
	}
	r.RetryAfter = retryAfter(header.Get("Retry-After"), now)
	return r
}

// word keeps a text of Apple's that may be shown: letters, digits and dashes, bounded.
func word(text string) string {
	if len(text) > 64 {
		return ""
	}
	for _, r := range text {
		if r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return ""
		}
	}
	return text
}

// retryAfter reads seconds or a date, a day at most.
func retryAfter(text string, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, most)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}
