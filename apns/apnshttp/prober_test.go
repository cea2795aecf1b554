package apnshttp_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// Only what Apple says for good is definite, and its own word comes along.
func TestProberPutsAnswersIntoWords(t *testing.T) {
	w := newWorld(t, nil)
	prober := &apnshttp.Prober{Client: w.client, Ask: apnshttp.AskProbe}
	answer, err := prober.Probe(t.Context(), w.good())
	require.NoError(t, err)
	assert.Equal(t, apns.Pass, answer.Finding.Verdict)
	assert.Empty(t, answer.Reason, "that Apple complains about the device is no complaint")

	w.push.Fail(appletest.PushFault{Status: http.StatusServiceUnavailable, Reason: "Shutdown", RetryAfter: "90"})
	answer, err = prober.Probe(t.Context(), w.good())
	require.NoError(t, err)
	assert.Equal(t, apns.Warn, answer.Finding.Verdict)
	assert.Equal(t, 90*time.Second, answer.RetryAfter)

	good := w.good()
	w.push.Revoke(appletest.PushCertificate{Serial: good.Serial()})
	for _, ask := range []apnshttp.Ask{apnshttp.AskHandshake, apnshttp.AskProbe} {
		w.push.Refuse(appletest.RefuseByAlert) // else a mere handshake is not refused
		answer, err = (&apnshttp.Prober{Client: w.client, Ask: ask}).Probe(t.Context(), good)
		require.NoError(t, err)
		assert.Equal(t, apns.Fail, answer.Finding.Verdict)
		assert.NotEmpty(t, answer.Reason)
	}
}

func TestProberCannotAsk(t *testing.T) {
	w := newWorld(t, nil)
	_, err := (&apnshttp.Prober{}).Probe(t.Context(), w.good())
	require.ErrorIs(t, err, apnshttp.ErrOptions)
	_, err = (&apnshttp.Prober{Client: w.client}).Probe(t.Context(), w.good().WithKey(apns.Key{}))
	require.ErrorIs(t, err, apnshttp.ErrNoKey)
}

// A host's own pushes tell about the certificate, too.
func TestResultsSayWhatTheyMeanForTheCertificate(t *testing.T) {
	for outcome, verdict := range map[apnshttp.Outcome]apns.Verdict{
		apnshttp.Accepted: apns.Pass, apnshttp.DeviceGone: apns.Pass, apnshttp.DeviceToken: apns.Pass,
		apnshttp.Certificate: apns.Fail, apnshttp.Environment: apns.Fail, apnshttp.Topic: apns.Fail,
		apnshttp.Throttled: apns.Warn, apnshttp.Transient: apns.Warn, apnshttp.Request: apns.Warn,
	} {
		finding := apnshttp.Result{Outcome: outcome, Reason: "Word"}.Answer().Finding
		assert.Equal(t, verdict, finding.Verdict, outcome)
		assert.Equal(t, apns.CheckApple, finding.Check)
		assert.Equal(t, verdict == apns.Pass, finding.Next == "", outcome)
	}
}
