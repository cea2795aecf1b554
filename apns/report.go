package apns

import "time"

// Verdict is the outcome of one check.
type Verdict string

// The verdicts, from good to bad.
const (
	Pass Verdict = "pass"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// Finding is one single check of a push certificate and what to do about it.
type Finding struct {
	Check   string  `json:"check"` // a stable name: "validity", "topic", "key_match", ...
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"` // what was seen
	Next    string  `json:"next,omitempty"`   // what a person does about it; empty for a pass
}

// Report is what a check of one push certificate found.
type Report struct {
	Topic       string    `json:"topic"`       // "com.apple.mgmt.External.<uuid>"
	NotAfter    time.Time `json:"not_after"`   // end of validity; zero: unknown
	Fingerprint string    `json:"fingerprint"` // hex SHA-256 of the certificate
	Findings    []Finding `json:"findings,omitempty"`
}

// Verdict returns the worst verdict of all findings; Pass if there are none.
func (r Report) Verdict() Verdict {
	worst := Pass
	for _, f := range r.Findings {
		switch {
		case f.Verdict == Fail:
			return Fail
		case f.Verdict == Warn:
			worst = Warn
		}
	}
	return worst
}

// Expired reports whether the certificate is known to be past its validity.
func (r Report) Expired(now time.Time) bool { return !r.NotAfter.IsZero() && !now.Before(r.NotAfter) }
