package runner_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// oldSystem is a program that has made a key pair and holds the token of a service.
type oldSystem struct {
	c    *customer
	pair abmtoken.KeyPair
	at   *service
}

func (c *customer) oldSystem(name string) oldSystem {
	c.h.t.Helper()
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: name, Now: c.h.clock.Now()})
	require.NoError(c.h.t, err)
	at, err := c.admin.CreateService(name, pair.CertificatePEM())
	require.NoError(c.h.t, err)
	return oldSystem{c, pair, &service{c: c, apple: at}}
}

func (o oldSystem) row(reference string) runner.Adoption {
	return runner.Adoption{
		Tenant: o.c.ID(), Reference: reference, Name: o.at.apple.Name(), TokenFile: o.at.file(),
		Keys: []runner.AdoptedKey{{Key: o.pair.PrivateKeyPEM(), Certificate: o.pair.CertificatePEM()}},
	}
}

// A server that is adopted with its token is watched from then on, pinned by Apple's first answer, and renewed like any other.
func TestAdoptedServerLivesOn(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	old := acme.oldSystem("Acme MDM")
	got := h.adopt(old.row("crm-1"))[0]
	require.Equal(t, runner.RowAdded, got.Outcome)
	s := &service{acme, got.Server, old.at.apple}
	assert.Equal(t, enrollment.NeverChecked, s.view().Health)
	assert.Equal(t, "crm-1", s.view().Reference)
	h.pass(25 * time.Hour)
	v := s.view()
	assert.Equal(t, enrollment.Active, v.Health)
	assert.Equal(t, enrollment.PinnedByApple, v.Pin.Source)
	assert.Equal(t, s.apple.UUID(), v.Pin.ServerUUID)
	assert.Equal(t, "it@acme.example", v.Admin)
	entries, err := acme.Audit(ctx(t), string(s.id), 0, 100)
	require.NoError(t, err)
	assert.Equal(t, []enrollment.Act{
		enrollment.ActServerAdopted, enrollment.ActKeyMade, enrollment.ActTokenAdopted, enrollment.ActConfirmed,
	}, acts(entries))

	_, err = s.upload(s.file())
	require.NoError(t, err, "nobody has to confirm what is pinned")
	assert.EqualValues(t, 2, s.view().Token.Generation)
}

// The host's word for the service is the pin: a token of another service is seen at the first probe, and none is taken.
func TestAdoptedPinHolds(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	old, other := acme.oldSystem("Acme MDM"), acme.oldSystem("Acme School")
	row := old.row("crm-1")
	row.ServerUUID = other.at.apple.UUID() // the host mixed them up
	row.OrgName = "Acme as the CRM calls it"
	got := h.adopt(row)[0]
	require.Equal(t, runner.RowAdded, got.Outcome)
	v, err := acme.CheckServer(ctx(t), tech, got.Server)
	require.NoError(t, err)
	require.NotNil(t, v.Problem)
	assert.Equal(t, enrollment.CodeOtherService, v.Problem.Code)
	assert.Equal(t, enrollment.PinnedByHost, v.Pin.Source)
	assert.Equal(t, other.at.apple.UUID(), v.Pin.ServerUUID)
	assert.Equal(t, enrollment.Active, v.Health, "it is in use all the same, as it was before")

	twice := other.row("crm-2")
	twice.ServerUUID = other.at.apple.UUID()
	refused := h.adopt(twice)[0]
	require.NotNil(t, refused.Problem, "one service serves one server")
	assert.Equal(t, enrollment.CodeOtherServer, refused.Problem.Code)
	twice.Tenant = "beta"
	assert.Equal(t, enrollment.CodeServiceTaken, h.adopt(twice)[0].Problem.Code, "and of another tenant no name is told")
	row.ServerUUID = old.at.apple.UUID()
	assert.Equal(t, enrollment.CodeOtherService, h.adopt(row)[0].Problem.Code, "a pin is not adopted away")
}

// The same rows again change nothing, byte for byte; a newer token, and a key that was missing, are taken; an older one is not.
func TestAdoptionIsIdempotentByReference(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	old := acme.oldSystem("Acme MDM")
	first := old.row("crm-1")
	h.adopt(first)
	before := dumpOf(t, h.store)
	assert.Equal(t, runner.RowUnchanged, h.adopt(first)[0].Outcome)
	assert.Equal(t, before, dumpOf(t, h.store))

	h.clock.Pass(time.Hour)
	newer := old.row("crm-1")
	got := h.adopt(newer)[0]
	assert.Equal(t, runner.RowUpdated, got.Outcome)
	v, err := acme.Server(ctx(t), got.Server)
	require.NoError(t, err)
	assert.EqualValues(t, 2, v.Token.Generation)
	older := h.adopt(first)[0]
	require.NotNil(t, older.Problem)
	assert.Equal(t, enrollment.CodeOlderToken, older.Problem.Code)

	_, err = acme.RetireServer(ctx(t), tech, got.Server)
	require.NoError(t, err)
	assert.Equal(t, enrollment.CodeRetired, h.adopt(newer)[0].Problem.Code)
}

// A token that is adopted while a renewal waits for one ends that renewal.
func TestAdoptionSupersedesARenewal(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	old := acme.oldSystem("Acme MDM")
	keyOnly := old.row("crm-1")
	keyOnly.TokenFile = nil
	got := h.adopt(keyOnly)[0]
	require.Equal(t, runner.RowAdded, got.Outcome)
	run, err := acme.StartRenewal(ctx(t), tech, got.Server)
	require.NoError(t, err)
	h.adopt(old.row("crm-1"))
	run, err = acme.Renewal(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.EqualValues(t, "superseded", run.State)
	v, err := acme.Server(ctx(t), got.Server)
	require.NoError(t, err)
	assert.Nil(t, v.LiveRun)
}

// A row with a problem stops no other and says what is wrong; the counts tell it all.
func TestAdoptionReportsRows(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	good := acme.oldSystem("Acme MDM").row("good")
	closed := h.customer("closed")
	closed.newServer("Some MDM")
	require.NoError(t, closed.Close(ctx(t), tech))
	with := func(change func(*runner.Adoption)) runner.Adoption {
		row := good
		change(&row)
		return row
	}
	rows := []runner.Adoption{
		with(func(r *runner.Adoption) { r.Reference = "" }),
		with(func(r *runner.Adoption) { r.Tenant = "" }),
		with(func(r *runner.Adoption) { r.Name = " " }),
		with(func(r *runner.Adoption) { r.Site = "a\x00" }),
		with(func(r *runner.Adoption) { r.ServerUUID = "\x1b" }),
		with(func(r *runner.Adoption) { r.TokenFile = []byte("<html>") }),
		with(func(r *runner.Adoption) { r.Keys = nil }),
		with(func(r *runner.Adoption) { r.Keys = nil; r.TokenFile = nil }),
		with(func(r *runner.Adoption) { r.TokenFile, r.Token = nil, abmtoken.NewSecret("{}") }),
		with(func(r *runner.Adoption) { r.Tenant = "closed" }),
		good,
	}
	var results []runner.RowResult
	total, err := h.Adopt(ctx(t), tech, func(yield func(runner.Adoption, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}, func(r runner.RowResult) { results = append(results, r) })
	require.NoError(t, err)
	assert.Equal(t, runner.Adopted{Added: 1, Refused: 10}, total)
	codes := make([]string, len(rows))
	for _, r := range results {
		if r.Problem != nil {
			assert.NotEmpty(t, r.Problem.Next)
			codes[r.Row-1] = string(r.Problem.Code) + " " + r.Problem.Args["field"]
			if _, exit := r.Problem.Code.Status(); exit == 4 || exit == 5 { // the old system still works with the token
				assert.Contains(t, r.Problem.Next, "Do not download it again", "%s", r.Problem.Code)
			}
		}
	}
	assert.Equal(t, []string{
		"invalid_input reference", "invalid_input tenant", "invalid_input name", "invalid_input site", "invalid_input service",
		"not_server_token ", "no_key_fits ", "invalid_input row", "bad_content ", "tenant_closed ", "",
	}, codes)
}

// A stream that breaks has its rows before the break taken; the same stream, whole, goes on from there.
func TestAdoptionGoesOnAfterABreak(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	key := acme.oldSystem("Acme MDM").row("").Keys
	broken := errors.New("the export ended")
	const n = 150 // more than two writes
	rows := func(until int, end error) func(func(runner.Adoption, error) bool) {
		return func(yield func(runner.Adoption, error) bool) {
			for i := range until {
				row := runner.Adoption{Tenant: "acme", Reference: fmt.Sprint(i), Name: fmt.Sprint("MDM ", i), Keys: key}
				if !yield(row, nil) {
					return
				}
			}
			if end != nil {
				yield(runner.Adoption{}, end)
			}
		}
	}
	total, err := h.Adopt(ctx(t), tech, rows(100, broken), nil)
	requireProblem(t, enrollment.CodeInvalidInput, err)
	require.ErrorIs(t, err, broken)
	assert.Equal(t, runner.Adopted{Added: 100}, total)
	total, err = h.Adopt(ctx(t), tech, rows(n, nil), nil)
	require.NoError(t, err)
	assert.Equal(t, runner.Adopted{Added: 50, Unchanged: 100}, total)
	page, err := acme.Servers(ctx(t), runner.ServerQuery{Page: runner.Page{Limit: 1000}})
	require.NoError(t, err)
	assert.Len(t, page.Servers, n)
}

// A thousand tokens that come at once are not probed at once, and of reminders that are long past nobody hears.
func TestAdoptionSpreadsFirstProbes(t *testing.T) {
	h := newHost(t)
	var rows []runner.Adoption
	for i := range 60 {
		token := fmt.Sprintf(`{"consumer_key":"CK_%d","consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":%q}`,
			i, h.clock.Now().Add(20*24*time.Hour).Format(time.RFC3339))
		rows = append(rows, runner.Adoption{Tenant: "acme", Reference: fmt.Sprint(i), Name: "MDM", Token: abmtoken.NewSecret(token)})
	}
	h.adopt(rows...)
	page, err := h.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	require.Len(t, page.Servers, 60)
	thirds := [3]int{}
	for _, v := range page.Servers {
		wait := v.ProbeAt.Sub(h.clock.Now())
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.Less(t, wait, 24*time.Hour)
		thirds[wait/(8*time.Hour)]++
	}
	for i, n := range thirds {
		assert.GreaterOrEqual(t, n, 8, "third %d of the day: %v", i, thirds)
	}
	h.pass(time.Minute)
	levels := map[int]int{}
	for _, n := range h.inbox.all() {
		if n.Kind == enrollment.NoticeExpiry {
			levels[n.Days]++
		}
	}
	assert.Equal(t, map[int]int{30: 60}, levels, "the present level only")
}

// wordless answers without what Apple leaves out for some organizations.
type wordless struct{ abmtoken.Verifier }

func (w wordless) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	a, err := w.Verifier.Account(ctx, token)
	a.OrgID, a.OrgIDHash = "", ""
	return a, err
}

// What the host knew of the organization stays known, although Apple's answer leaves it out: a pin never gets weaker.
func TestAdoptedPinStaysAsStrong(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	old := acme.oldSystem("Acme MDM")
	row := old.row("crm-1")
	row.ServerUUID, row.OrgID = old.at.apple.UUID(), "the host's"
	got := h.adopt(row)[0]
	h.config.Verifier = wordless{h.config.Verifier}
	h.restartWith(h.config)
	v, err := h.Tenant("acme").CheckServer(ctx(t), tech, got.Server)
	require.NoError(t, err)
	assert.Nil(t, v.Problem)
	assert.Equal(t, "acme Inc.", v.Pin.OrgName, "what was unknown is filled in")
	assert.Equal(t, "the host's", v.Pin.OrgID)
}
