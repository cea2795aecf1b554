package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// What belongs to another customer is not there: not for a technician who works for one of them, and not for one who works for
// both and takes the ID of the one to the address of the other.
func TestAnotherCustomersIDsAreNotFound(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	must(s.addAcme(ctx))
	require.NoError(t, s.first.app.AddCustomer(ctx, "beta", "Beta Ltd."))
	s.adopted()
	tess, both := s.hired("tess", rmm.Technicians, "beta"), s.hired("both", rmm.Technicians, "acme", "beta")
	ann := s.hired("ann", rmm.Admins)
	server := both.servers(t, "acme").Servers[0].ID
	var begun run
	require.NoError(t, both.ask(ctx, "POST", "/customers/acme/apple/"+string(server)+"/renewal", nil, &begun))

	status := func(p *person, method, path string) int {
		var refused *refusal
		require.ErrorAs(t, p.ask(ctx, method, path, nil, nil), &refused, path)
		return refused.Status
	}
	for _, path := range []string{
		"GET /customers/%s/apple", "POST /customers/%s/apple/" + string(server) + "/renewal", "POST /customers/%s/apple/" + string(server) + "/token",
		"GET /customers/%s/apple/renewals/" + string(begun.ID), "GET /customers/%s/apple/renewals/" + string(begun.ID) + "/certificate",
		"POST /customers/%s/apple/renewals/" + string(begun.ID) + "/right", "GET /customers/%s/apple/plans/pln_1",
	} {
		method, path, _ := strings.Cut(path, " ")
		assert.Equal(t, 404, status(tess, method, fmt.Sprintf(path, "acme")), path)
		assert.Equal(t, 404, status(tess, method, fmt.Sprintf(path, "nobody")), path)
		if strings.Contains(path, "_") {
			assert.Equal(t, 404, status(both, method, fmt.Sprintf(path, "beta")), path)
			assert.Equal(t, 404, status(ann, method, fmt.Sprintf(path, "beta")), path)
		}
	}
	assert.Empty(t, both.servers(t, "beta").Servers)
	assert.Len(t, ann.servers(t, "acme").Servers, 2)
	assert.Equal(t, 401, status(&person{process: s.first, id: "tess", password: "wrong"}, "GET", "/customers/beta/apple"))
	var refused *refusal
	require.ErrorAs(t, ask(ctx, s.first.app, nil, "POST", "/mdm/mdm-1/acme/events", rmm.Event{Type: rmm.Authenticate}, nil), &refused)
	assert.Equal(t, 401, refused.Status, "only clusters tell events")
}

// Nothing that is secret stands in the database, in a log, or in what people see.
func TestNoSecretIsSeen(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	m.device(fleet.Spec{Serial: "OLDMAC", OS: "12.7", OldMac: true})
	locked := m.device(fleet.Spec{Serial: "LOCKED", OS: "15.1", Locked: true})
	m.world.Step()
	require.NoError(t, m.first.app.KeepBypassCode(t.Context(), "acme", locked.Serial(), bypass))
	plan := m.planned()
	udid := m.world.Device("OLDMAC").Enrollment().UDID
	queued := func() (n int) {
		require.NoError(t, m.first.pool.QueryRow(t.Context(), `SELECT count(*) FROM commands WHERE udid = $1 AND state = 'queued'`, udid).Scan(&n))
		return n
	}
	m.away[udid] = true
	m.pass(3*24*time.Hour, func() bool { return queued() > 0 })
	require.Equal(t, 1, queued(), "a PIN waits in the queue while we look")
	pin, err := m.first.runner.Tenant("acme").PIN(t.Context(), enrollment.Actor{ID: "tess", Kind: enrollment.Person}, plan.ID, "OLDMAC")
	require.NoError(t, err)

	canaries := map[string]string{"PIN": `"` + pin.Reveal() + `"`, "bypass code": bypass} // six digits alone stand in any database
	for _, row := range m.rows {
		canaries["access token of "+row.Name] = between(string(row.Token), `"access_token":"`)
		canaries["consumer secret of "+row.Name] = between(string(row.Token), `"consumer_secret":"`)
	}
	block, _ := pem.Decode(must(vendorKey()).Key)
	canaries["private key"] = base64.StdEncoding.EncodeToString(block.Bytes)[800:840] // behind the public part
	places := map[string]string{"log": m.log.String(), "database": m.dumped()}
	var page []byte
	require.NoError(t, m.tess.ask(t.Context(), "GET", "/customers/acme/apple", nil, &page))
	places["page"] = string(page)
	require.NoError(t, m.tess.ask(t.Context(), "GET", "/customers/acme/apple/plans/"+string(plan.ID), nil, &page))
	places["plan"] = string(page)
	for what, canary := range canaries {
		require.GreaterOrEqual(t, len(canary), 6, what)
		for where, text := range places {
			assert.False(t, strings.Contains(text, canary), "the %s is in the %s", what, where) //nolint:testifylint // who shows the text shows the secret
		}
	}
	assert.True(t, strings.Contains(places["database"], "OLDMAC"), "the dump shows what is not secret") //nolint:testifylint // it is long
}

func between(text, before string) string {
	_, after, _ := strings.Cut(text, before)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// dumped are all rows of all tables, the RMM's and the library's, with binary columns also as text.
func (s *test) dumped() string {
	ctx := s.t.Context()
	tables := must(pgx.CollectRows(must(s.first.pool.Query(ctx, `SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
		WHERE table_schema IN ($1, $2)`, s.schema, s.schema+"_apple")), pgx.RowTo[string]))
	var out strings.Builder
	for _, table := range tables {
		for _, row := range must(pgx.CollectRows(must(s.first.pool.Query(ctx, `SELECT * FROM `+table)), pgx.RowToMap)) {
			for _, value := range row {
				if raw, is := value.([]byte); is {
					out.WriteString(`"` + string(raw) + `" `)
					continue
				}
				fmt.Fprintf(&out, "%q ", fmt.Sprint(value))
			}
		}
	}
	require.Greater(s.t, len(tables), 8)
	return out.String()
}
