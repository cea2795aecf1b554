package runner_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// What users of other systems suffer from while nobody renews: states that are wrong, alarms that are missing or too many.

// Pending terms name the organization that has to accept them, of each its own, and one check after they were accepted ends
// the trouble: no banner stays for a day.
func TestPain15_TermsAreRecheckedOnDemand(t *testing.T) {
	h := newHost(t)
	acme, beta := h.customer("acme").addServer("Acme MDM"), h.customer("beta").addServer("Beta MDM")
	for _, s := range []*service{acme, beta} {
		s.c.org.RequireTerms()
		v, err := s.c.CheckServer(ctx(t), tech, s.id)
		require.NoError(t, err)
		assert.Equal(t, enrollment.TermsPending, v.Health)
		require.NotNil(t, v.Problem)
		assert.Contains(t, v.Problem.Title, string(s.c.ID())+" Inc.")
		assert.Contains(t, v.Problem.Next, "accepts the terms")
	}
	require.NoError(t, acme.c.org.AcceptTerms(acme.c.admin))
	v, err := acme.c.CheckServer(ctx(t), tech, acme.id)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, v.Health)
	assert.Nil(t, v.Problem)
	assert.Equal(t, enrollment.TermsPending, beta.view().Health, "the other organization has not accepted")
	last := h.inbox.all()[len(h.inbox.all())-1]
	assert.Equal(t, enrollment.NoticeTerms, last.Kind)
	assert.True(t, last.Cleared, "its ticket closes itself")
}

// An answer that says nothing about the token flips no state, in either direction; only a definite one does.
func TestPain16_OnlyDefiniteAnswersFlipAState(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	check := func() enrollment.Health {
		h.clock.Pass(time.Hour)
		v, err := s.c.CheckServer(ctx(t), tech, s.id)
		require.NoError(t, err)
		return v.Health
	}
	vague := []appletest.Fault{
		appletest.Unavailable(0), appletest.Throttled(time.Second), {Kind: appletest.Status, Status: 500, Code: "token_rejected"},
		{Kind: appletest.Down}, {Kind: appletest.Garbage, Path: "/account"}, {Kind: appletest.CutDuring}, {Kind: appletest.Redirect},
	}
	for _, f := range vague {
		end := h.apple.Fail(f)
		assert.Equal(t, enrollment.Active, check(), "%v", f)
		end()
	}
	s.c.admin.ChangePassword()
	assert.Equal(t, enrollment.Rejected, check())
	for _, f := range vague {
		end := h.apple.Fail(f)
		assert.Equal(t, enrollment.Rejected, check(), "%v", f)
		end()
	}
	_, err := s.upload(s.file())
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, check())
}

// A dead token, and even a record that somebody has damaged, break nothing of the others: lists, counts, runs and checks.
func TestPain17_OneDeadTokenBreaksNothingElse(t *testing.T) {
	h := newHost(t)
	dead, damaged, good := h.customer("dead").addServer("Dead MDM"), h.customer("mad").addServer("Mad MDM"), h.customer("good").addServer("Good MDM")
	dead.c.admin.Leave()
	rec, err := h.store.Get(ctx(t), storage.RecordKey{Kind: runner.KindServer, Tenant: "mad", ID: string(damaged.id)})
	require.NoError(t, err)
	rec.Data = []byte(`{"schema":1,"mac":"AAAA","value":{"id":"x"}}`)
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: []storage.Record{rec}}))

	h.clock.Pass(28 * time.Hour)
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, 1, ran.Failed, "the damaged one")
	assert.Equal(t, 3, ran.Claimed)
	assert.Equal(t, enrollment.Rejected, dead.view().Health)
	assert.Equal(t, h.clock.Now(), good.view().AnsweredAt, "it was probed all the same")
	page, err := h.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	assert.Len(t, page.Servers, 2)
	assert.Len(t, page.Damaged, 1)
	_, err = h.Stats(ctx(t))
	require.NoError(t, err)
	_, err = good.c.Tokens(good.id).Token(ctx(t))
	require.NoError(t, err)
}

// gate is a verifier that lets one tenant's question wait.
type gate struct {
	abmtoken.Verifier
	slow          string // consumer key
	asked, answer chan struct{}
}

func (g *gate) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	if token.ConsumerKey() == g.slow {
		g.asked <- struct{}{}
		<-g.answer
	}
	return g.Verifier.Account(ctx, token)
}

// A hundred tenants renew by API side by side: while Apple keeps one waiting, another one's upload ends.
func TestPain18_TenantsDoNotWaitForEachOther(t *testing.T) {
	h := newHost(t)
	slow, fast := h.customer("slow").addServer("Slow MDM"), h.customer("fast").addServer("Fast MDM")
	h.clock.Pass(time.Hour)
	g := &gate{h.config.Verifier, slow.view().Token.ConsumerKey, make(chan struct{}), make(chan struct{})}
	h.config.Verifier = g
	gated, err := runner.New(h.config)
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := gated.Tenant("slow").CheckServer(ctx(t), robot, slow.id)
		ended <- err
	}()
	<-g.asked
	run, err := gated.Tenant("fast").UploadToken(ctx(t), robot, runner.Upload{Server: fast.id, File: fast.download()})
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
	close(g.answer)
	require.NoError(t, <-ended)
}

// Two services of one organization, and one of another organization of the same name: three servers, nobody's file is taken
// for another's.
func TestPain19_OrganizationsDoNotTellServersApart(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	one, two := acme.addServer("MDM"), acme.addServer("MDM for iPads")
	twin := h.customer("twin")
	twin.org.Rename("acme Inc.")
	three := twin.addServer("MDM")
	h.clock.Pass(time.Hour)
	for _, s := range []*service{one, two, three} {
		_, err := s.upload(s.file())
		require.NoError(t, err)
		assert.Equal(t, "acme Inc.", s.view().Pin.OrgName)
		assert.Equal(t, s.apple.UUID(), s.view().Pin.ServerUUID)
	}
	_, err := one.upload(two.file())
	requireProblem(t, enrollment.CodeOtherServer, err)
}

// Nothing falls back to "the only one": a call means the same before and after there is a second tenant or server.
func TestPain20_NothingDependsOnBeingTheOnlyOne(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	s := acme.addServer("Acme MDM")
	stranger := h.customer("gone").newServer("Gone MDM").file()
	try := func() []enrollment.Code {
		var codes []enrollment.Code
		_, err := acme.UploadToken(ctx(t), tech, runner.Upload{File: reader(stranger)})
		codes = append(codes, enrollment.ProblemOf(err).Code)
		_, err = acme.Server(ctx(t), "")
		codes = append(codes, enrollment.ProblemOf(err).Code)
		_, err = h.Tenant("").Servers(ctx(t), runner.ServerQuery{})
		codes = append(codes, enrollment.ProblemOf(err).Code)
		_, err = h.Tenant("beta").Server(ctx(t), s.id)
		return append(codes, enrollment.ProblemOf(err).Code)
	}
	alone := try()
	assert.Equal(t, []enrollment.Code{
		enrollment.CodeNoKeyFits, enrollment.CodeNotFound, enrollment.CodeInvalidInput, enrollment.CodeNotFound,
	}, alone)
	before := s.view()
	acme.addServer("Another")
	h.customer("beta").addServer("Beta MDM")
	assert.Equal(t, alone, try())
	assert.Equal(t, before.Server, s.view().Server)
}

// A reminder is more than a banner: it goes to the host's notifier from thirty days on, stands in the list, and a gauge of
// the expiry can be read for every token.
func TestPain21_RemindersAndAGauge(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.customer("beta").newServer("No token yet")
	expires := s.view().Token.Expires
	h.pass(337 * 24 * time.Hour)
	var days []int
	for _, n := range h.inbox.all() {
		if n.Kind == enrollment.NoticeExpiry && n.Server == s.id {
			days = append(days, n.Days)
			assert.Equal(t, expires, n.ExpiresAt)
		}
	}
	assert.Equal(t, []int{60, 30}, days)
	assert.Equal(t, enrollment.Expiring, s.view().Health)

	gauge := map[string]int64{}
	page, err := h.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	for _, v := range page.Servers {
		if v.Token != nil {
			gauge[fmt.Sprintf("token_expires{tenant=%q,server=%q}", v.Tenant, v.Name)] = v.Token.Expires.Unix()
		}
	}
	assert.Equal(t, map[string]int64{`token_expires{tenant="acme",server="Acme MDM"}`: expires.Unix()}, gauge)
	counts, err := h.Stats(ctx(t))
	require.NoError(t, err)
	assert.Equal(t, map[enrollment.Health]int{enrollment.Expiring: 1, enrollment.Missing: 1}, counts)
}

// One list over all tenants, and one reminder for each level, however often the host runs.
func TestPain22_OneListAndNoRepeatedAlarms(t *testing.T) {
	h := newHost(t)
	var all []*service
	for _, name := range []string{"acme", "beta", "gamma"} {
		all = append(all, h.customer(name).addServer("MDM"))
		h.pass(10 * 24 * time.Hour)
	}
	for range 5 * 24 {
		h.pass(time.Hour)
	}
	for h.clock.Now().Before(all[0].view().Token.Expires.AddDate(0, 0, -6)) {
		h.pass(24 * time.Hour)
		h.pass(0)
	}
	page, err := h.Servers(ctx(t), runner.ServerQuery{Health: enrollment.Expiring})
	require.NoError(t, err)
	require.Len(t, page.Servers, 3)
	for i, v := range page.Servers {
		assert.Equal(t, all[i].id, v.ID)
	}
	seen := map[string]int{}
	for _, n := range h.inbox.all() {
		if n.Kind == enrollment.NoticeExpiry {
			seen[fmt.Sprint(n.Tenant, n.Days)]++
		}
	}
	assert.Equal(t, map[string]int{
		"acme60": 1, "acme30": 1, "acme14": 1, "acme7": 1, "beta60": 1, "beta30": 1, "gamma60": 1, "gamma30": 1,
	}, seen)
}
