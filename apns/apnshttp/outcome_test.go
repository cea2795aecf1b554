package apnshttp

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Apple documents 32 reasons: each has a meaning, and none that is not 410 says that a device is gone.
func TestEveryDocumentedReasonHasItsMeaning(t *testing.T) {
	for text, want := range map[string]Outcome{
		"400 BadCollapseId BadExpirationDate BadMessageId BadPriority DuplicateHeaders InvalidPushType MissingDeviceToken MissingTopic PayloadEmpty": Request,
		"400 BadDeviceToken": DeviceToken,
		"400 BadTopic DeviceTokenNotForTopic TopicDisallowed": Topic,
		"400 IdleTimeout": Transient,
		"403 BadCertificate Forbidden ExpiredProviderToken InvalidProviderToken MissingProviderToken UnrelatedKeyIdInToken": Certificate,
		"403 BadCertificateEnvironment BadEnvironmentKeyIdInToken":                                                          Environment,
		"404 BadPath":                                     Request,
		"405 MethodNotAllowed":                            Request,
		"413 PayloadTooLarge":                             Request,
		"410 Unregistered ExpiredToken":                   DeviceGone,
		"429 TooManyRequests TooManyProviderTokenUpdates": Throttled,
		"500 InternalServerError":                         Transient,
		"503 ServiceUnavailable Shutdown":                 Transient,
	} {
		words := strings.Fields(text)
		for _, reason := range words[1:] {
			status := int(words[0][0]-'0')*100 + int(words[0][1]-'0')*10 + int(words[0][2]-'0')
			assert.Equal(t, want, meaning(status, reason), reason)
			_, documented := meanings[reason]
			assert.True(t, documented, reason)
		}
	}
	assert.Len(t, meanings, 32)
	assert.NotEqual(t, DeviceGone, meaning(400, "Unregistered"), "only 410 says that a device is gone")
	assert.NotEqual(t, DeviceGone, meaning(403, "ExpiredToken"))
}

func TestReasonsOfTheFuture(t *testing.T) {
	for status, want := range map[int]Outcome{
		200: Accepted, 400: Request, 403: Certificate, 410: DeviceGone, 429: Throttled, 500: Transient, 503: Transient, 599: Transient,
	} {
		assert.Equal(t, want, meaning(status, "SomethingNew"), status)
		assert.Equal(t, want, meaning(status, ""), status)
	}
}

func TestAnswersAreReadWithCare(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, body := range []string{
		"", "{", `"text"`, `{"reason":7}`, `{"reason":"two words"}`, `{"reason":"` + strings.Repeat("x", 65) + `"}`,
		`{"reason":"Bad\u0000"}`, "null", "[]",
	} {
		r := answered(403, http.Header{}, []byte(body), now)
		assert.Empty(t, r.Reason, body)
		assert.Equal(t, Certificate, r.Outcome, body)
	}
	gone := answered(410, http.Header{}, []byte(`{"reason":"Unregistered","timestamp":1700000000123}`), now)
	assert.Equal(t, time.UnixMilli(1700000000123).UTC(), gone.Since)
	for _, absurd := range []string{"-1", "0", "9223372036854775807"} {
		r := answered(410, http.Header{}, []byte(`{"timestamp":`+absurd+`}`), now)
		assert.Zero(t, r.Since, absurd)
	}
	for text, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "-30": 0, "99999999": 24 * time.Hour, "soon": 0,
		now.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		assert.Equal(t, want, answered(429, http.Header{"Retry-After": {text}}, nil, now).RetryAfter, text)
	}
}

// FuzzFarewell reads frames in any pieces.
func FuzzFarewell(f *testing.F) {
	frame := append([]byte{0, 0, 33, goAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, `{"reason":"BadCertificate"}`...)
	f.Add(frame, 1)
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		whole, pieces := newFarewell(nil, nil), newFarewell(nil, nil)
		whole.follow(text)
		step = max(step, 1)
		for rest := text; len(rest) > 0; {
			n := min(step, len(rest))
			pieces.follow(rest[:n])
			rest = rest[n:]
		}
		if whole.reason != pieces.reason || len(whole.kept) > maxFarewell {
			t.Errorf("%q and %q, %d bytes kept", whole.reason, pieces.reason, len(whole.kept))
		}
	})
}
