package renewal_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	year   = 365 * day
)

var (
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	policy = enrollment.DefaultPolicy()

	tess  = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person, Source: "203.0.113.9"}
	robot = enrollment.Actor{ID: "cron", Kind: enrollment.Key}
)

// world is a renewal together with the server that its events are judged by and its steps change in the same write.
type world struct {
	Run    renewal.Renewal   `json:"run"`
	Server enrollment.Server `json:"server"`
}

// pinned is a server with a token that expires in 20 days.
func pinned() enrollment.Server {
	return enrollment.Server{
		ID: "srv_1", Tenant: "acme", Name: "Acme MDM", CreatedAt: noon.Add(-345 * day),
		Pin: enrollment.PinTo(account(), enrollment.PinnedByPerson),
		Token: &enrollment.Token{
			Generation: 1, Secret: "tok_active", Fingerprint: "fp_active", ConsumerKey: "CK_1",
			Expires: noon.Add(20 * day), KeyID: "key_0", ActivatedAt: noon.Add(-345 * day),
		},
	}
}

// bare is a server without a token yet.
func bare() enrollment.Server {
	return enrollment.Server{ID: "srv_1", Tenant: "acme", Name: "Acme MDM", CreatedAt: noon}
}

func account() enrollment.Account {
	return enrollment.Account{
		ServerUUID: "B12A", ServerName: "Acme MDM", AdminID: "it@acme.example", OrgID: "42", OrgIDHash: "h42", OrgName: "Acme Inc.",
	}
}

// start begins a renewal of a server.
func start(t testing.TB, s enrollment.Server, health enrollment.Health) world {
	t.Helper()
	tr, err := renewal.Start(policy, noon, renewal.Request{ID: "rnw_1", Server: s, Health: health, By: tess})
	require.NoError(t, err)
	s.Renewal = tr.Renewal.ID
	return world{Run: tr.Renewal, Server: s}
}

// machine drives a renewal as a host does.
func machine() machinetest.Machine[world, renewal.Event] { return machineUnder(policy) }

func machineUnder(p enrollment.Policy) machinetest.Machine[world, renewal.Event] {
	return machinetest.Machine[world, renewal.Event]{
		Step: func(w world, now time.Time, ev renewal.Event) (machinetest.Stepped[world], error) {
			tr, err := w.Run.Step(p, now, ev)
			if err != nil || !tr.Moved {
				return machinetest.Stepped[world]{Next: world{Run: tr.Renewal, Server: w.Server}}, err
			}
			return machinetest.Stepped[world]{Next: w.after(tr), Moved: true, Notes: notes(w, tr)}, nil
		},
		State:    func(w world) string { return string(w.Run.State) },
		Live:     func(w world) bool { return w.Run.Live() },
		Wake:     func(w world) time.Time { return w.Run.Wake() },
		Pending:  func(w world) []enrollment.Effect { return w.Run.Pending },
		Revision: func(w world) int64 { return w.Run.Revision },
	}
}

// after is the world with everything that a transition puts into the same write.
func (w world) after(tr renewal.Transition) world {
	w.Run = tr.Renewal
	if tr.Activate != nil {
		w.Server = w.Server.Activated(*tr.Activate)
	}
	w.Server.Renewal = ""
	if tr.Renewal.Live() {
		w.Server.Renewal = tr.Renewal.ID
	}
	return w
}

// notes tell the reader of a matrix what a move does beside states and effects.
func notes(w world, tr renewal.Transition) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if tr.Activate != nil {
		say("ACTIVATES %s", tr.Activate.Token.Secret)
	}
	was, is := "", ""
	if c := w.Run.Candidate; c != nil {
		was = c.Secret
	}
	if c := tr.Renewal.Candidate; c != nil {
		is = c.Secret
	}
	if was != is {
		say("candidate %s", cmp.Or(is, "none"))
	}
	if tr.Refused != nil {
		say("answers %s", tr.Refused.Code)
	}
	if was, is := code(w.Run.Problem), code(tr.Renewal.Problem); was != is {
		say("problem %s", is)
	}
	for _, warning := range tr.Renewal.Warnings[min(len(w.Run.Warnings), len(tr.Renewal.Warnings)):] {
		say("warns %s", warning.Code)
	}
	for _, x := range tr.Renewal.Pending {
		if x.Notice != nil && x.Notice.Cleared && x.ID != w.pending(enrollment.SendNotice) {
			say("notice cleared")
		}
	}
	if len(tr.Drop) > 0 {
		say("drops %s", strings.Join(tr.Drop, " "))
	}
	for _, fact := range tr.Audit {
		say("audits %s", fact.Act)
	}
	return said
}

func code(p *enrollment.Problem) string {
	if p == nil {
		return "none"
	}
	return string(p.Code)
}

// pending returns the ID of the effect of a kind that is wanted, or one that never was.
func (w world) pending(kind enrollment.EffectKind) enrollment.EffectID {
	for _, x := range w.Run.Pending {
		if x.Kind == kind {
			return x.ID
		}
	}
	return "rnw_1/0/stale"
}
