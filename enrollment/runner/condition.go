package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// Condition is how a credential is, and what may be asked of it.
type Condition struct {
	Health     enrollment.Health   `json:"health"`
	DaysLeft   int                 `json:"days_left"`            // whole days until the credential expires; negative afterwards
	Problem    *enrollment.Problem `json:"problem,omitempty"`    // what is wrong with it, and what to do; nil: nothing
	Causes     []enrollment.Cause  `json:"causes,omitempty"`     // of a refusal, likeliest first
	Answer     enrollment.Answer   `json:"answer,omitempty"`     // Apple's last definite answer
	AnsweredAt time.Time           `json:"answered_at,omitzero"` // when Apple gave it
	Reason     string              `json:"reason,omitempty"`     // Apple's own word for a refusal
	ProbeAt    time.Time           `json:"probe_at,omitzero"`    // when Apple is asked next
	QuietUntil time.Time           `json:"quiet_until,omitzero"` // no expiry reminders before this
	// Failures is how often in a row Apple gave no usable answer, and Silence why not, the last time. That alone is no
	// problem of the credential, until it has lasted for the policy's UnreachableAfter.
	Failures int                 `json:"failures,omitempty"`
	Silence  *enrollment.Problem `json:"silence,omitempty"`
	// Allowed is what may be asked now, by the names of package renewal: start, upload, check, quiet, and those below.
	Allowed []renewal.EventName `json:"allowed,omitempty"`
}

// What may be asked of a server or push certificate beside the events of package renewal.
const (
	EventRetire renewal.EventName = "retire" // [Tenant.RetireServer], [Tenant.RetirePush]
	EventImport renewal.EventName = "import" // [Tenant.ImportPush]
)

// glance is from where the things of one tenant are looked at.
type glance struct {
	policy enrollment.Policy
	now    time.Time
	open   bool // the tenant takes new things
}

func (c *change) glance() glance {
	return glance{c.policy, c.now, c.tenant.Value.State == enrollment.TenantOpen}
}

// condition is what a watch knows.
func (g glance) condition(k care) Condition {
	w := k.Watch
	v := Condition{
		Health: w.Health(g.policy, g.now), Problem: w.Problem, Answer: w.Answer, AnsweredAt: w.AnsweredAt, Reason: w.Reason,
		ProbeAt: w.ProbeAt, QuietUntil: w.QuietUntil, Failures: w.Failures,
	}
	if w.Failures > 0 {
		v.Silence = k.Silence
	}
	if !w.Expires.IsZero() {
		v.DaysLeft = wholeDays(w.Expires.Sub(g.now))
	}
	if v.Health == enrollment.Unreachable {
		v.Problem = v.Silence
	}
	return v
}

// wishes are what may be asked of a watch now.
func (g glance) wishes(w renewal.Watch) (names []renewal.EventName) {
	for _, ev := range []renewal.WatchEvent{renewal.CheckRequested{}, renewal.Quieted{}} {
		if _, err := w.Step(g.policy, g.now, ev); err == nil {
			names = append(names, ev.Name())
		}
	}
	return names
}

// wholeDays rounds towards the past, so that a credential which expired an hour ago has -1 days left.
func wholeDays(d time.Duration) int {
	const day = 24 * time.Hour
	days := int(d / day)
	if d < 0 && d%day != 0 {
		days--
	}
	return days
}

// glances are those of all tenants in one list.
type glances struct {
	r     *Runner
	now   time.Time
	known map[string]glance
}

func (r *Runner) glances(ctx context.Context) (glances, error) {
	now, err := r.now(ctx)
	return glances{r: r, now: now, known: map[string]glance{}}, err
}

func (g glances) of(ctx context.Context, tenant string) (glance, error) {
	if known, ok := g.known[tenant]; ok {
		return known, nil
	}
	item, _, err := find(ctx, g.r.tenants, tenant, onlyID)
	if err != nil {
		return glance{}, err
	}
	one := glance{now: g.now, open: item.Value.State == enrollment.TenantOpen}
	if one.policy, err = g.r.policy(ctx, item.Value); err != nil {
		return glance{}, err
	}
	g.known[tenant] = one
	return one, nil
}
