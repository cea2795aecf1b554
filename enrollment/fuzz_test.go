package enrollment_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// decoded reads a value as from a store, and reports whether it is one. What was read is read again the same.
func decoded[T any](t *testing.T, text []byte) (T, bool) {
	var v, again T
	if json.Unmarshal(text, &v) != nil {
		return v, false
	}
	out, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &again))
	twice, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(out), string(twice))
	return again, true
}

// Whatever stands in a store, reading and using it ends without a panic.
func FuzzDecode(f *testing.F) {
	entries, _ := written(2)
	seeds := []any{
		entries[1], enrollment.DefaultPolicy(), enrollment.PolicyChange{Reminders: []int{7}, FreshFor: new(time.Minute)},
		enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme"),
		enrollment.Server{ID: "s", Token: &enrollment.Token{Generation: 1}, Pin: enrollment.PinTo(acme, enrollment.PinnedByHost)},
		enrollment.Effect{ID: "s/1/probe_token", Attempt: 3, Notice: &enrollment.Notice{ID: "n"}},
		enrollment.Tenant{ID: "acme"}, acme,
	}
	for _, s := range seeds {
		text, err := json.Marshal(s)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"reminders":[1,2,-3],"probe_every":-9223372036854775808,"expiring_within":9223372036854775807}`))
	f.Add([]byte(`{"seq":-9223372036854775808,"at":"9999-12-31T23:59:59.999999999+23:59","detail":{"\ud800":"\u0000"}}`))
	f.Add([]byte(`{"token":null,"keys":[{}],"pin":{"server_uuid":"-"},"code":"nope","args":{"":""}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		policy := enrollment.DefaultPolicy()
		if p, is := decoded[enrollment.Policy](t, text); is {
			_ = p.Validate()
			policy = p
		}
		if c, is := decoded[enrollment.PolicyChange](t, text); is {
			_ = policy.With(c).Validate()
			require.Equal(t, policy.With(c), policy.With(c.And(enrollment.PolicyChange{})))
		}
		if e, is := decoded[enrollment.AuditEntry](t, text); is {
			next, head := enrollment.AuditHead{Seq: e.Seq, Hash: e.Hash()}.Append(e.Subject, e.At, e.AuditFact)
			require.True(t, next.Follows(enrollment.AuditHead{Seq: e.Seq, Hash: e.Hash()}))
			require.Equal(t, next.Hash(), head.Hash)
		}
		if p, is := decoded[enrollment.Problem](t, text); is {
			_, _, _ = p.Error(), p.Code.Args(), enrollment.NewProblem(p.Code, p.Title, p.Next).Error()
			http, exit := p.Code.Status()
			require.Positive(t, http*exit)
		}
		if s, is := decoded[enrollment.Server](t, text); is {
			_, _ = s.WithKey(enrollment.KeyFact{ID: "k"}).Key("k")
			_ = s.Activated(enrollment.Activation{}).Pin.Refreshed(acme).Match(acme)
			v := enrollment.Vital{Held: s.Token != nil, Expires: s.CreatedAt, Unanswered: s.RetiredAt}
			_, _ = enrollment.HealthOf(v, policy, t0), enrollment.NextHealthChange(v, policy, t0)
		}
		if x, is := decoded[enrollment.Effect](t, text); is {
			_ = x.Again(t0, policy.FreshFor, policy.RecheckEvery, policy.ProbeEvery).Due(t0)
		}
		_, _ = decoded[enrollment.Tenant](t, text)
		_, _ = decoded[enrollment.Account](t, text)
	})
}
