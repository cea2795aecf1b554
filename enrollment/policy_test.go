package enrollment_test

import (
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

func TestDefaultPolicyIsValid(t *testing.T) {
	p := enrollment.DefaultPolicy()
	require.NoError(t, p.Validate())
	require.Equal(t, []int{60, 30, 14, 7, 3, 1, 0}, p.Reminders)
	for i := range reflect.TypeFor[enrollment.Policy]().NumField() {
		if reflect.ValueOf(p).Field(i).Kind() == reflect.Bool {
			continue // off is a default
		}
		assert.False(t, reflect.ValueOf(p).Field(i).IsZero(), "%s has a default", reflect.TypeFor[enrollment.Policy]().Field(i).Name)
	}
}

// Every rule is part of the change that makes another policy this one, also a rule that comes later.
func TestChangeHoldsEveryRule(t *testing.T) {
	want := enrollment.DefaultPolicy()
	for _, rules := range []reflect.Value{reflect.ValueOf(&want).Elem(), reflect.ValueOf(&want.Wipes).Elem()} {
		for _, rule := range rules.Fields() {
			switch rule.Kind() {
			case reflect.Bool:
				rule.SetBool(true)
			case reflect.Int, reflect.Int64:
				rule.SetInt(rule.Int() + 1)
			case reflect.Slice:
				rule.Set(rule.Slice(0, 1))
			}
		}
	}
	assert.Equal(t, want, enrollment.DefaultPolicy().With(want.Change()))
	assert.Equal(t, want, enrollment.Policy{}.With(want.Change()))
}

func TestPolicyRefusesNonsense(t *testing.T) {
	type policy = enrollment.Policy
	for name, c := range map[string]struct {
		change func(*policy)
		field  string // of the refusal; empty: it is sense
	}{
		"reminders that rise":              {func(p *policy) { p.Reminders = []int{7, 14} }, "reminders"},
		"a reminder twice":                 {func(p *policy) { p.Reminders = []int{7, 7} }, "reminders"},
		"a reminder after the end":         {func(p *policy) { p.Reminders = []int{7, -1} }, "reminders"},
		"a reminder before the beginning":  {func(p *policy) { p.Reminders = []int{366} }, "reminders"},
		"reminders from the first day on":  {func(p *policy) { p.Reminders = []int{365, 0} }, ""},
		"no reminder before the end":       {func(p *policy) { p.Reminders = nil }, ""},
		"expiring never":                   {func(p *policy) { p.ExpiringWithin = 0 }, "expiring_within"},
		"expiring always":                  {func(p *policy) { p.ExpiringWithin = 366 * day }, "expiring_within"},
		"Apple asked without a pause":      {func(p *policy) { p.ProbeEvery = time.Minute - time.Microsecond }, "probe_every"},
		"Apple asked each minute":          {func(p *policy) { p.ProbeEvery = time.Minute }, ""},
		"Apple never asked":                {func(p *policy) { p.ProbeEvery = 32 * day }, "probe_every"},
		"a negative pause":                 {func(p *policy) { p.RecheckEvery = -time.Hour }, "recheck_every"},
		"trouble never looked at again":    {func(p *policy) { p.RecheckEvery = 32 * day }, "recheck_every"},
		"unreachable at once":              {func(p *policy) { p.UnreachableAfter = 0 }, "unreachable_after"},
		"no time to upload":                {func(p *policy) { p.UploadWithin = time.Minute }, "upload_within"},
		"a person reminded without end":    {func(p *policy) { p.RemindWaiting = time.Second }, "remind_waiting"},
		"an answer that is never fresh":    {func(p *policy) { p.FreshFor = -1 }, "fresh_for"},
		"an answer that must be immediate": {func(p *policy) { p.FreshFor = 0 }, ""},
		"a device that may never come":     {func(p *policy) { p.AssignWithin = time.Minute }, "assign_within"},
		"a confirmation of yesterday":      {func(p *policy) { p.WipeFreshFor = 24 * time.Hour }, "wipe_fresh_for"},
		"a wipe that waits for years":      {func(p *policy) { p.WipeAnswerWithin = 1000 * 24 * time.Hour }, "wipe_answer_within"},
		"an enrollment in no time":         {func(p *policy) { p.EnrollWithin = 0 }, "enroll_within"},
		"no grace":                         {func(p *policy) { p.MigrationGrace = 0 }, "migration_grace"},
		"moves that are gone at once":      {func(p *policy) { p.KeepFinished = time.Hour }, "keep_finished"},
		"moves that are kept for ever":     {func(p *policy) { p.KeepFinished = 4000 * day }, "keep_finished"},
		"an answer that stays fresh":       {func(p *policy) { p.FreshFor = 25 * time.Hour }, "fresh_for"},
		"finer than a store's clock":       {func(p *policy) { p.ProbeEvery = time.Hour + 1 }, "probe_every"},
		"no uploads":                       {func(p *policy) { p.UploadsPerMinute = 0 }, "uploads_per_minute"},
		"a flood of uploads":               {func(p *policy) { p.UploadsPerMinute = 1001 }, "uploads_per_minute"},
		"the most uploads":                 {func(p *policy) { p.UploadsPerMinute = 1000 }, ""},
		"a deadline of one day":            {func(p *policy) { p.MigrationDeadline = day }, "migration_deadline"},
		"a deadline that Apple refuses":    {func(p *policy) { p.MigrationDeadline = 90 * day }, "migration_deadline"},
		"an API that is never asked":       {func(p *policy) { p.PostsPerHour = 0 }, "posts_per_hour"},
		"an API that is flooded":           {func(p *policy) { p.PostsPerHour = 1001 }, "posts_per_hour"},
	} {
		p := enrollment.DefaultPolicy()
		c.change(&p)
		err := p.Validate()
		if c.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var problem *enrollment.Problem
		if assert.ErrorAs(t, err, &problem, name) {
			assert.Equal(t, enrollment.CodeInvalidInput, problem.Code, name)
			assert.Equal(t, c.field, problem.Args["field"], name)
			assert.NotEmpty(t, problem.Args["rule"], name)
		}
	}
}

// changes draws any change; a field that stays is nil.
var changes = rapid.Custom(func(t *rapid.T) enrollment.PolicyChange {
	var c enrollment.PolicyChange
	drawChange(t, reflect.ValueOf(&c).Elem())
	return c
})

func drawChange(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		if !rapid.Bool().Draw(t, v.Type().Field(i).Name) {
			continue
		}
		n := rapid.Int64Range(0, 1<<40).Draw(t, "value")
		switch field := v.Field(i).Addr().Interface().(type) {
		case *[]int:
			*field = []int{int(n)}
		case *[]enrollment.Allowance:
			*field = []enrollment.Allowance{{Most: int(n), In: time.Duration(n)}}
		case **time.Duration:
			*field = new(time.Duration(n))
		case **int:
			*field = new(int(n))
		case **bool:
			*field = new(n%2 == 0)
		case **enrollment.WipeChange:
			*field = new(enrollment.WipeChange)
			drawChange(t, reflect.ValueOf(*field).Elem())
		default:
			t.Fatalf("draw the new field %s, too", v.Type().Field(i).Name)
		}
	}
}

// Installation and tenant may both change rules: the tenant's word counts where it said one, and nothing else moves.
func TestPolicyChangesOverrideFieldByField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := enrollment.DefaultPolicy()
		installation, tenant := changes.Draw(t, "installation"), changes.Draw(t, "tenant")
		got := base.With(installation).With(tenant)
		require.Equal(t, got, base.With(installation.And(tenant)), "one merged change does the same")
		requireOverridden(t, reflect.ValueOf(base), reflect.ValueOf(installation), reflect.ValueOf(tenant), reflect.ValueOf(got))
	})
}

func requireOverridden(t require.TestingT, base, installation, tenant, got reflect.Value) {
	for n := range got.NumField() {
		name := got.Type().Field(n).Name
		want := base.FieldByName(name)
		if want.Kind() == reflect.Struct { // rules of their own
			nested := func(change reflect.Value) reflect.Value {
				if change := change.FieldByName(name); !change.IsNil() {
					return change.Elem()
				}
				return reflect.Zero(change.FieldByName(name).Type().Elem())
			}
			requireOverridden(t, want, nested(installation), nested(tenant), got.FieldByName(name))
			continue
		}
		for _, change := range []reflect.Value{installation, tenant} {
			switch said := change.FieldByName(name); {
			case said.IsNil():
			case said.Kind() == reflect.Slice:
				want = said
			default:
				want = said.Elem()
			}
		}
		require.Equal(t, want.Interface(), got.FieldByName(name).Interface(), name)
	}
}

// A digest of a policy can be shown, approved and compared: it is stable, and every rule counts.
func TestEveryRuleCountsInThePolicysJSON(t *testing.T) {
	digest := func(p enrollment.Policy) [32]byte {
		text, err := json.Marshal(p)
		require.NoError(t, err)
		var again enrollment.Policy
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, p, again, "nothing is lost in the store")
		return sha256.Sum256(text)
	}
	usual := digest(enrollment.DefaultPolicy())
	require.Equal(t, usual, digest(enrollment.DefaultPolicy()))
	forEachRule(t, func(name string, change func(*enrollment.Policy)) {
		p := enrollment.DefaultPolicy()
		change(&p)
		require.NotEqual(t, usual, digest(p), name)
	})
}

// forEachRule gives every rule of a policy with something that changes it.
func forEachRule(t *testing.T, visit func(name string, change func(*enrollment.Policy))) {
	var each func(v func(*enrollment.Policy) reflect.Value, prefix string)
	each = func(of func(*enrollment.Policy) reflect.Value, prefix string) {
		var p enrollment.Policy
		for i := range of(&p).NumField() {
			field := func(p *enrollment.Policy) reflect.Value { return of(p).Field(i) }
			name := prefix + of(&p).Type().Field(i).Name
			if field(&p).Kind() == reflect.Struct {
				each(field, name+".")
				continue
			}
			visit(name, func(p *enrollment.Policy) {
				switch rule := field(p).Addr().Interface().(type) {
				case *[]int:
					*rule = append([]int{90}, *rule...)
				case *[]enrollment.Allowance:
					*rule = append([]enrollment.Allowance{{Most: 1, In: time.Minute}}, *rule...)
				case *time.Duration:
					*rule += time.Microsecond
				case *int:
					*rule++
				case *bool:
					*rule = !*rule
				default:
					t.Fatalf("change the new field, too: %T", rule)
				}
			})
		}
	}
	each(func(p *enrollment.Policy) reflect.Value { return reflect.ValueOf(p).Elem() }, "")
}

// A rule that nobody set is not written down, so that a later default reaches it.
func TestAnEmptyChangeIsEmptyInTheStore(t *testing.T) {
	text, err := json.Marshal(enrollment.PolicyChange{})
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))
	var c enrollment.PolicyChange
	require.NoError(t, json.Unmarshal([]byte(`{"probe_every":3600000000000}`), &c))
	want := enrollment.DefaultPolicy()
	want.ProbeEvery = time.Hour
	require.Equal(t, want, enrollment.DefaultPolicy().With(c))
}
