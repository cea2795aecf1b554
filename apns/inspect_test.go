package apns_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

// found returns the verdicts that are no pass, by check.
func found(r apns.Report) map[string]apns.Verdict {
	out := map[string]apns.Verdict{}
	for _, f := range r.Findings {
		if f.Verdict != apns.Pass {
			out[f.Check] = f.Verdict
		}
	}
	return out
}

func TestInspectListsEverySingleCheck(t *testing.T) {
	root, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	before := read(t, inPEM(issuer.issue(t, order{key: keys()[3], change: func(c *x509.Certificate) { c.NotAfter = today.Add(day) }})))
	c := read(t, inPEM(leaf, issuer.cert, root.cert)).WithKey(keys()[2])
	report := apns.Inspect(c, apns.Inspection{
		Now: today, Before: before, NeedKey: true, RequireApple: true, Roots: []string{apns.Fingerprint(root.cert)},
	})
	var checks []string
	for _, f := range report.Findings {
		checks = append(checks, f.Check)
		assert.NotEmpty(t, f.Detail, f.Check)
		assert.Equal(t, apns.Pass, f.Verdict, "%s: %s", f.Check, f.Detail)
		assert.Empty(t, f.Next, "nothing is to do about a pass")
	}
	assert.Equal(t, []string{
		apns.CheckPurpose, apns.CheckTopic, apns.CheckValidity, apns.CheckIssuer, apns.CheckChain, apns.CheckProduction,
		apns.CheckKey, apns.CheckContinuity,
	}, checks)
	assert.Equal(t, topic, report.Topic)
	assert.Equal(t, leaf.NotAfter, report.NotAfter)
	assert.Equal(t, c.Fingerprint(), report.Fingerprint)
}

// Each of what goes wrong in practice is found by its own check, with what to do next, and by no other.
func TestInspectFinds(t *testing.T) {
	_, issuer := apple(t)
	other := newAuthority(t, "Acme Test CA", 3, nil)
	namesake := newAuthorityOf(t, "Acme", issuer.cert.Subject.CommonName, 3, nil)
	for _, c := range []struct {
		name    string
		by      *authority
		change  func(*x509.Certificate)
		inspect apns.Inspection
		want    map[string]apns.Verdict
		says    string
	}{
		{name: "good", want: map[string]apns.Verdict{}},
		{
			name:   "expired",
			change: func(c *x509.Certificate) { c.NotAfter = today.Add(-time.Second) },
			want:   map[string]apns.Verdict{apns.CheckValidity: apns.Fail}, says: "expired on 2026-11-25",
		},
		{
			name:   "expires now",
			change: func(c *x509.Certificate) { c.NotAfter = today },
			want:   map[string]apns.Verdict{apns.CheckValidity: apns.Fail},
		},
		{
			name:   "expires soon",
			change: func(c *x509.Certificate) { c.NotAfter = today.Add(9*day + time.Hour) },
			want:   map[string]apns.Verdict{apns.CheckValidity: apns.Warn}, says: "in 9 days",
		},
		{
			name:    "expires soon, but not as soon as asked for",
			change:  func(c *x509.Certificate) { c.NotAfter = today.Add(9*day + time.Hour) },
			inspect: apns.Inspection{ExpiringWithin: 7 * day}, want: map[string]apns.Verdict{},
		},
		{
			name:   "not yet valid",
			change: func(c *x509.Certificate) { c.NotBefore = today.Add(time.Hour) },
			want:   map[string]apns.Verdict{apns.CheckValidity: apns.Fail}, says: "not valid before",
		},
		{
			name:   "no topic",
			change: func(c *x509.Certificate) { c.Subject = subject("") },
			want:   map[string]apns.Verdict{apns.CheckTopic: apns.Fail}, says: "no topic",
		},
		{
			name: "two topics",
			change: func(c *x509.Certificate) {
				c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidUserID, Value: topic})
			},
			want: map[string]apns.Verdict{apns.CheckTopic: apns.Fail}, says: "no topic",
		},
		{
			name:   "an app's",
			change: func(c *x509.Certificate) { c.Subject = subject("com.acme.app") },
			want:   map[string]apns.Verdict{apns.CheckTopic: apns.Fail}, says: "an app's",
		},
		{
			name:   "wrong prefix",
			change: func(c *x509.Certificate) { c.Subject = subject("com.apple.mgmtx." + topic) },
			want:   map[string]apns.Verdict{apns.CheckTopic: apns.Fail},
		},
		{
			name:   "for a website",
			change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			want:   map[string]apns.Verdict{apns.CheckPurpose: apns.Fail}, says: "signing in",
		},
		{
			name:   "for encryption only",
			change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment },
			want:   map[string]apns.Verdict{apns.CheckPurpose: apns.Fail},
		},
		{
			name: "an authority's",
			change: func(c *x509.Certificate) {
				c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
			},
			want: map[string]apns.Verdict{apns.CheckPurpose: apns.Fail}, says: "authority's",
		},
		{
			name: "another issuer", by: &other,
			want: map[string]apns.Verdict{apns.CheckIssuer: apns.Warn}, says: `"Acme Test CA" is not Apple`,
		},
		{
			name: "an issuer that took the name only", by: &namesake,
			want: map[string]apns.Verdict{apns.CheckIssuer: apns.Warn},
		},
		{
			name: "another issuer where Apple is required", by: &other, inspect: apns.Inspection{RequireApple: true},
			want: map[string]apns.Verdict{apns.CheckIssuer: apns.Fail},
		},
		{
			name:   "no marker of production",
			change: func(c *x509.Certificate) { c.ExtraExtensions = nil },
			want:   map[string]apns.Verdict{apns.CheckProduction: apns.Warn},
		},
		{
			name: "key missing", inspect: apns.Inspection{NeedKey: true},
			want: map[string]apns.Verdict{apns.CheckKey: apns.Fail}, says: "missing",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			by := &issuer
			if c.by != nil {
				by = c.by
			}
			c.inspect.Now = today
			report := apns.Inspect(read(t, inPEM(by.issue(t, order{change: c.change}))), c.inspect)
			assert.Equal(t, c.want, found(report))
			var said []string
			for _, f := range report.Findings {
				if f.Verdict != apns.Pass {
					said = append(said, f.Detail)
					assert.NotEmpty(t, f.Next, "what to do about %s", f.Check)
				}
			}
			assert.Contains(t, strings.Join(said, "\n"), c.says)
		})
	}
}

func TestInspectFindsAForeignKey(t *testing.T) {
	_, issuer := apple(t)
	c := read(t, inPEM(issuer.issue(t, order{}))).WithKey(keys()[3])
	assert.Equal(t, map[string]apns.Verdict{apns.CheckKey: apns.Fail}, found(apns.Inspect(c, apns.Inspection{Now: today})))
	assert.Empty(t, found(apns.Inspect(c.WithKey(keys()[2]), apns.Inspection{Now: today})))
}

func TestInspectFollowsTheChain(t *testing.T) {
	root, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	look := func(in apns.Inspection, certs ...*x509.Certificate) map[string]apns.Verdict {
		in.Now = today
		return found(apns.Inspect(read(t, inPEM(certs...)), in))
	}
	ours := apns.Inspection{Roots: []string{apns.Fingerprint(root.cert)}}
	assert.Empty(t, look(ours, leaf, issuer.cert, root.cert))
	assert.Empty(t, look(ours, root.cert, leaf, issuer.cert), "in any order")
	assert.Empty(t, look(apns.Inspection{}, leaf), "a missing chain is no finding")
	warned := map[string]apns.Verdict{apns.CheckChain: apns.Warn}
	assert.Equal(t, warned, look(apns.Inspection{}, leaf, issuer.cert, root.cert), "the name of Apple's root alone is no proof")
	assert.Equal(t, warned, look(ours, leaf, issuer.cert), "it ends before the root")
	assert.Equal(t, map[string]apns.Verdict{apns.CheckChain: apns.Fail},
		look(apns.Inspection{RequireApple: true}, leaf, issuer.cert, root.cert))

	forger := newAuthority(t, "Apple Application Integration 2 Certification Authority", 3, &root)
	assert.Equal(t, map[string]apns.Verdict{apns.CheckChain: apns.Fail}, look(ours, leaf, forger.cert, root.cert),
		"an issuer of the same name that did not sign it")
}

// Pains 11 and 24: a certificate of another topic makes every device deaf, so it is refused with how many that are.
func TestPain24_AnotherTopicIsRefused(t *testing.T) {
	_, issuer := apple(t)
	inUse := read(t, inPEM(issuer.issue(t, order{})))
	make := func(uid string, until time.Time) apns.Certificate {
		return read(t, inPEM(issuer.issue(t, order{key: keys()[3], change: func(c *x509.Certificate) {
			c.Subject, c.NotAfter = subject(uid), until
		}})))
	}
	later := inUse.NotAfter().Add(day)
	for _, c := range []struct {
		name    string
		next    apns.Certificate
		want    apns.Continuity
		refused bool
	}{
		{"renewed", make(topic, later), apns.Renewed, false},
		{"the same", inUse, apns.Identical, false},
		{"created", make("com.apple.mgmt.External.11111111-1111-4111-8111-111111111111", later), apns.OtherTopic, true},
		{"no topic", make("", later), apns.OtherTopic, true},
		{"older", make(topic, inUse.NotAfter().Add(-day)), apns.Older, true},
		{"as old", make(topic, inUse.NotAfter()), apns.Older, true},
	} {
		s := apns.Continue(inUse, c.next, 412)
		assert.Equal(t, c.want, s.Continuity, c.name)
		assert.Equal(t, c.refused, s.Refused(), c.name)
		report := apns.Inspect(c.next, apns.Inspection{Now: today, Before: inUse, Devices: 412})
		assert.Equal(t, c.refused, found(report)[apns.CheckContinuity] == apns.Fail, c.name)
	}
	created := make("com.apple.mgmt.External.11111111-1111-4111-8111-111111111111", later)
	report := apns.Inspect(created, apns.Inspection{Now: today, Before: inUse, Devices: 412})
	said := report.Findings[len(report.Findings)-1]
	assert.Contains(t, said.Detail, "412 enrolled devices would be deaf")
	assert.Contains(t, said.Detail, topic)
	assert.Contains(t, said.Next, "Renew")
}

func TestInspectOfNothing(t *testing.T) {
	report := apns.Inspect(apns.Certificate{}, apns.Inspection{Now: today})
	require.Len(t, report.Findings, 1)
	assert.Equal(t, apns.Fail, report.Verdict())
}
