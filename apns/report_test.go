package apns_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

func TestTheWorstFindingIsTheVerdict(t *testing.T) {
	for _, c := range []struct {
		found []apns.Verdict
		want  apns.Verdict
	}{
		{nil, apns.Pass},
		{[]apns.Verdict{apns.Pass, apns.Pass}, apns.Pass},
		{[]apns.Verdict{apns.Warn, apns.Pass}, apns.Warn},
		{[]apns.Verdict{apns.Pass, apns.Warn}, apns.Warn},
		{[]apns.Verdict{apns.Fail, apns.Warn, apns.Pass}, apns.Fail},
		{[]apns.Verdict{apns.Warn, apns.Fail}, apns.Fail},
	} {
		var r apns.Report
		for _, v := range c.found {
			r.Findings = append(r.Findings, apns.Finding{Check: "validity", Verdict: v})
		}
		assert.Equal(t, c.want, r.Verdict(), c.found)
	}
}

// A certificate blocks a renewal only if it is known to be past its end: what is not known is no reason to stop.
func TestOnlyAKnownEndIsPast(t *testing.T) {
	end := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := apns.Report{NotAfter: end}
	assert.False(t, r.Expired(end.Add(-time.Nanosecond)))
	assert.True(t, r.Expired(end), "the last instant is over when it comes")
	assert.True(t, r.Expired(end.Add(time.Hour)))
	assert.False(t, apns.Report{}.Expired(end))
}

// The names are those that hosts store and show.
func TestReportInJSON(t *testing.T) {
	text, err := json.Marshal(apns.Report{
		Topic: "com.apple.mgmt.External.5b0f", NotAfter: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), Fingerprint: "00ff",
		Findings: []apns.Finding{{Check: "validity", Verdict: apns.Warn, Detail: "expires in 9 days", Next: "renew it"}, {Check: "topic", Verdict: apns.Pass}},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"topic":"com.apple.mgmt.External.5b0f","not_after":"2027-01-02T03:04:05Z","fingerprint":"00ff","findings":[
		{"check":"validity","verdict":"warn","detail":"expires in 9 days","next":"renew it"},{"check":"topic","verdict":"pass"}]}`, string(text))
}
