package apnshttp_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// source gives the same answer to everybody.
type source struct {
	certificate apns.Certificate
	err         error
}

func (s source) Certificate(context.Context, string) (apns.Certificate, error) {
	return s.certificate, s.err
}

func last(t *testing.T, r apns.Report) apns.Finding {
	t.Helper()
	require.NotEmpty(t, r.Findings)
	return r.Findings[len(r.Findings)-1]
}

func TestCheckerAsksApple(t *testing.T) {
	w := newWorld(t, nil)
	check := func(ask apnshttp.Ask, c apns.Certificate) apns.Report {
		report, err := (&apnshttp.Checker{Source: source{certificate: c}, Client: w.client, Ask: ask}).Check(t.Context(), "acme")
		require.NoError(t, err)
		return report
	}
	good := w.good()
	for _, ask := range []apnshttp.Ask{apnshttp.AskHandshake, apnshttp.AskProbe} {
		report := check(ask, good)
		assert.Equal(t, apns.Pass, report.Verdict())
		assert.Equal(t, apns.CheckApple, last(t, report).Check)
	}
	asked := w.push.Connections()
	assert.NotEqual(t, apns.CheckApple, last(t, check(apnshttp.AskNothing, good)).Check)
	expired := check(apnshttp.AskProbe, w.certificate(topic, keys()[0], -400, -1))
	assert.Equal(t, apns.Fail, expired.Verdict())
	assert.NotEqual(t, apns.CheckApple, last(t, expired).Check)
	assert.Equal(t, asked, w.push.Connections(), "Apple is not asked about what is known to be bad")

	w.push.Revoke(appletest.PushCertificate{Serial: good.Serial()})
	revoked := last(t, check(apnshttp.AskProbe, good))
	assert.Equal(t, apns.Fail, revoked.Verdict)
	assert.Contains(t, revoked.Detail, "BadCertificate")
	assert.Contains(t, revoked.Next, "Renew")
}

func TestCheckerNamesWhatAppleSays(t *testing.T) {
	for reason, want := range map[string]apns.Verdict{
		"BadCertificate": apns.Fail, "BadCertificateEnvironment": apns.Fail, "TopicDisallowed": apns.Fail, "ServiceUnavailable": apns.Warn,
		"TooManyRequests": apns.Warn, "PayloadEmpty": apns.Warn, "BadDeviceToken": apns.Pass, "Unregistered": apns.Pass,
	} {
		w := newWorld(t, nil)
		status := map[string]int{"ServiceUnavailable": 503, "TooManyRequests": 429, "Unregistered": 410}[reason]
		if status == 0 {
			status = 400
		}
		w.push.Fail(appletest.PushFault{Status: status, Reason: reason})
		report, err := (&apnshttp.Checker{Source: source{certificate: w.good()}, Client: w.client, Ask: apnshttp.AskProbe}).Check(t.Context(), "")
		require.NoError(t, err)
		assert.Equal(t, want, last(t, report).Verdict, reason)
	}
}

// Where Apple cannot be asked, the report says what is known, and that much is no fault of the certificate's.
func TestCheckerWithoutApple(t *testing.T) {
	w := newWorld(t, func(o *apnshttp.Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
	})
	checker := &apnshttp.Checker{Source: source{certificate: w.good()}, Client: w.client, Ask: apnshttp.AskHandshake}
	report, err := checker.Check(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, apns.Warn, last(t, report).Verdict)
	assert.Contains(t, last(t, report).Detail, "no route")

	checker.Source = source{certificate: w.good().WithKey(apns.Key{})}
	report, err = checker.Check(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, apns.Fail, last(t, report).Verdict, "without its key nobody can sign in")

	checker.Source = source{err: apns.ErrNoCertificate}
	_, err = checker.Check(t.Context(), "acme")
	require.ErrorIs(t, err, apns.ErrNoCertificate)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	checker.Source = source{certificate: w.good()}
	_, err = checker.Check(ctx, "acme")
	require.ErrorIs(t, err, context.Canceled)

	checker.Now = func() time.Time { return time.Now().AddDate(2, 0, 0) }
	report, err = checker.Check(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, apns.Fail, report.Verdict(), "the clock is the host's")
}
