package apns_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

// A tenant without a certificate has the zero one: whatever is asked of it, it answers that there is nothing.
func TestTheZeroCertificateIsNone(t *testing.T) {
	var none apns.Certificate
	assert.True(t, none.IsZero())
	for what, text := range map[string]string{
		"topic": none.Topic(), "issuer": none.Issuer(), "serial": none.Serial(), "fingerprint": none.Fingerprint(),
	} {
		assert.Empty(t, text, what)
	}
	assert.Equal(t, time.Time{}, none.NotBefore())
	assert.Equal(t, time.Time{}, none.NotAfter())
	assert.Nil(t, none.DER())
	assert.Nil(t, none.PEM())
	assert.Nil(t, none.Chain())
	assert.False(t, none.Production())
	assert.True(t, none.Key().IsZero())
	assert.False(t, none.Matches(apns.Key{}))
	assert.False(t, none.Matches(keys()[0]))
	assert.False(t, none.WithKey(keys()[0]).Matches(keys()[0]), "a key makes no certificate")
	assert.Equal(t, "no push certificate", fmt.Sprint(none))
}

func TestNothingGoesOnWithNothing(t *testing.T) {
	_, issuer := apple(t)
	c := read(t, inPEM(issuer.issue(t, order{})))
	assert.True(t, apns.Continue(c, apns.Certificate{}, 1).Refused(), "nothing takes its place")
	assert.True(t, apns.Continue(apns.Certificate{}, c, 1).Refused())
	report := apns.Inspect(apns.Certificate{}.WithKey(keys()[0]), apns.Inspection{Now: today, NeedKey: true, Before: c})
	assert.Equal(t, apns.Fail, report.Verdict())
}

func TestTheZeroKeyIsNone(t *testing.T) {
	var none apns.Key
	assert.True(t, none.IsZero())
	assert.Nil(t, none.Public())
	assert.Nil(t, none.Signer())
	assert.Nil(t, none.RevealPEM())
	assert.Equal(t, "[redacted]", fmt.Sprintf("%v", none))
}

func TestTheZeroVendorSignsNothing(t *testing.T) {
	_, err := (&apns.LocalVendor{}).SignRequest(t.Context(), []byte{1})
	require.ErrorIs(t, err, apns.ErrVendor)
	assert.NotEmpty(t, (&apns.LocalVendor{}).Warning())
}
