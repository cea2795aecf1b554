package enrollment_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

func pushCert(secret string, expires time.Duration, proven bool) *enrollment.PushCertificate {
	c := &enrollment.PushCertificate{
		Generation: 1, Secret: secret, Fingerprint: "fp_" + secret, Topic: "com.apple.mgmt.External.7d1f", Expires: t0.Add(expires), KeyID: "key_1",
	}
	if proven {
		c.ProvenAt = t0
	}
	return c
}

// What is kept beside a new certificate is the last one that Apple may still accept, until it has accepted the new one.
func TestWhatIsKeptBesideANewPushCertificate(t *testing.T) {
	const day = 24 * time.Hour
	proven, open, dead := pushCert("proven", 30*day, true), pushCert("open", 60*day, false), pushCert("dead", -day, true)
	for name, c := range map[string]struct {
		active, before *enrollment.PushCertificate
		accepted       bool // Apple has accepted the new one
		kept           string
		drop           []string
	}{
		"the first, accepted":                        {nil, nil, true, "", nil},
		"the first, not accepted":                    {nil, nil, false, "", nil},
		"accepted: nothing else is needed":           {proven, nil, true, "", []string{"proven"}},
		"accepted, beside two":                       {open, proven, true, "", []string{"open", "proven"}},
		"not accepted: the one in use stays":         {proven, nil, false, "proven", nil},
		"not accepted, as the one before it":         {open, proven, false, "proven", []string{"open"}},
		"not accepted, and the proven one is dead":   {open, dead, false, "open", []string{"dead"}},
		"not accepted, and the one in use is proven": {proven, open, false, "proven", []string{"open"}},
	} {
		p := enrollment.Push{ID: "psh_1", Certificate: c.active, Previous: c.before, Renewal: "rnw_1", Name: "Acme"}
		a, drop := p.Replace(*pushCert("new", 365*day, c.accepted), t0)
		after := p.Activated(a)
		require.Equal(t, "new", after.Certificate.Secret, name)
		kept := ""
		if after.Previous != nil {
			kept = after.Previous.Secret
		}
		assert.Equal(t, c.kept, kept, name)
		assert.Equal(t, c.drop, drop, name)
		assert.Equal(t, enrollment.RenewalID("rnw_1"), after.Renewal, "what is under way is the host's to write down")
	}
}

// A push certificate is a value: what is in use now does not hang on the change that brought it.
func TestAnActivatedPushCertificateIsAValue(t *testing.T) {
	old := pushCert("old", time.Hour, true)
	a := enrollment.PushActivation{Certificate: *pushCert("new", time.Hour, false), Previous: old}
	p := enrollment.Push{ID: "psh_1", Certificate: old}
	after := p.Activated(a)
	a.Certificate.Secret, old.Secret = "changed", "changed"
	assert.Equal(t, "new", after.Certificate.Secret)
	assert.Equal(t, "old", after.Previous.Secret)
}

func TestAPushCertificateWithoutAnythingInUse(t *testing.T) {
	p := enrollment.Push{ID: "psh_1", Tenant: "acme", Name: "Acme", CreatedAt: t0}
	assert.Zero(t, p.Generation())
	assert.False(t, p.Retired())
	assert.True(t, enrollment.Push{RetiredAt: t0}.Retired())
	assert.Equal(t, int64(1), enrollment.Push{Certificate: pushCert("c", time.Hour, true)}.Generation())
	text, err := json.Marshal(p)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"psh_1","tenant":"acme","name":"Acme","created_at":"2026-03-01T12:00:00Z"}`, string(text))
}
