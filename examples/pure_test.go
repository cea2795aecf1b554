package examples_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// The promise of a pure machine: a renewal is driven by hand, event by event, with no store, no runner and no clock. The
// host keeps the snapshot where it likes, does what stands in it, and tells the outcome.
func TestARenewalDrivenByHand(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	policy, tess := enrollment.DefaultPolicy(), enrollment.Actor{ID: "u-7", Kind: enrollment.Person}
	server := enrollment.Server{ID: "srv_1", Tenant: "acme", Name: "Acme MDM"}
	start, err := renewal.Start(policy, now, renewal.Request{ID: "rnw_1", Server: server, Health: enrollment.Missing, By: tess})
	require.NoError(t, err)
	run := start.Renewal
	done := func() enrollment.Result { // the host did the effect that is due
		return enrollment.Result{Effect: run.Due(now)[0].ID, Outcome: enrollment.OK}
	}
	var last renewal.Transition
	for _, next := range []func() renewal.Event{
		func() renewal.Event { return renewal.PushChecked{Result: done()} },
		func() renewal.Event { return renewal.CertificateRequested{By: tess} },
		func() renewal.Event { return renewal.KeyMade{Result: done(), KeyID: "key_1"} },
		func() renewal.Event { return renewal.CertificateTaken{By: tess} },
		func() renewal.Event {
			return renewal.TokenUploaded{By: tess, Server: server, Confirmed: true,
				Token: renewal.Candidate{Secret: "tok_1", Fingerprint: "f1", KeyID: "key_1", Expires: now.AddDate(1, 0, 0)}}
		},
		func() renewal.Event {
			return renewal.Verified{Result: done(), Server: server, Account: enrollment.Account{ServerUUID: "B12A", OrgID: "42"}}
		},
	} {
		last, err = run.Step(policy, now, next())
		require.NoError(t, err)
		run = last.Renewal
	}
	assert.Equal(t, renewal.Completed, run.State)
	assert.Equal(t, "tok_1", server.Activated(*last.Activate).Token.Secret)
}

// The promise has a length, too: under 30 lines of code between the first and the last event.
func TestByHandIsShort(t *testing.T) {
	text, err := os.ReadFile("pure_test.go")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "policy, tess :=")
	require.True(t, found)
	body, _, _ := strings.Cut(after, "assert.Equal(t, renewal.Completed")
	lines := slices.DeleteFunc(strings.Split(body, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	assert.Less(t, len(lines), 30, "lines between the first and the last event")
	for _, shell := range []string{"enrollment/" + "runner", "abmrenew/" + "storage"} {
		assert.NotContains(t, string(text), shell)
	}
}
