package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/postgres"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// asked keeps one call of each statement that goes to the server, with its parameters.
type asked struct {
	mu   sync.Mutex
	with map[string][]any
}

func (a *asked) note(sql string, args []any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(args) > 0 && strings.Contains(sql, "records") {
		a.with[sql] = args
	}
}

func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	a.note(d.SQL, d.Args)
	return ctx
}
func (*asked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (a *asked) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (a *asked) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	a.note(d.SQL, d.Args)
}
func (*asked) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// desk is a host over a large installation, whose server tells how it does what the runner asks for.
type desk struct {
	*runner.Runner
	store  *postgres.Store
	sealer *seal.Sealer
	pool   *pgxpool.Pool
	plans  *plans
	asked  *asked
	schema string
}

// newDesk makes an installation with statistics, and a runner that is watched.
func newDesk(t *testing.T, size installation.Size) *desk {
	t.Helper()
	plain := pooled(t, pgserver.DSN(t))
	d := &desk{plans: &plans{}, asked: &asked{with: map[string][]any{}}, schema: newSchema(t, plain)}
	keys := seal.MemoryKeyring()
	store := opened(t, plain, postgres.Options{Schema: d.schema})
	sealer, err := seal.New(store, keys, seal.Options{})
	require.NoError(t, err)
	require.NoError(t, installation.Generate(t.Context(), store, sealer, size, 2, nil))
	_, err = plain.Exec(t.Context(), "VACUUM ANALYZE "+d.schema+".records")
	require.NoError(t, err)
	d.pool = watched(t, pgserver.DSN(t), "auto", d.plans, func(c *pgxpool.Config) { c.ConnConfig.Tracer = d.asked })
	d.store = opened(t, d.pool, postgres.Options{Schema: d.schema})
	d.sealer, err = seal.New(d.store, keys, seal.Options{})
	require.NoError(t, err)
	d.Runner, err = runner.New(installation.Apple{}.Plug(runner.Config{Store: d.store, Sealer: d.sealer, SettleFor: time.Second}))
	require.NoError(t, err)
	return d
}

// customer is the largest one, with a server and a plan of its own, which stand in the installation.
type customer struct {
	*runner.Tenant
	servers []runner.ServerView
	plan    enrollment.PlanID
	serials []string
	renewal enrollment.RenewalID
}

func (d *desk) customer(t *testing.T) *customer {
	t.Helper()
	c := &customer{Tenant: d.Tenant("t000000")}
	page, err := c.Servers(t.Context(), runner.ServerQuery{})
	require.NoError(t, err)
	c.servers = page.Servers
	return c
}

func (c *customer) newPlan(ctx context.Context) error {
	view, err := c.NewPlan(ctx, installation.Tess, runner.NewPlan{
		Route:   migration.Route{From: c.servers[0].ID, To: c.servers[1].ID, Profile: "84E064E0AF18FE5A48B67D1B5F05CCD6", OldMDM: "old", NewMDM: "new"},
		Reached: enrollment.Yes,
	})
	c.plan = view.ID
	return err
}

func (c *customer) list(ctx context.Context) error {
	for i := range 30 {
		c.serials = append(c.serials, fmt.Sprintf("OWN%09d", i))
	}
	list, err := c.ListDevices(ctx, installation.Tess, c.plan, func(yield func(runner.PlanRow, error) bool) {
		for _, s := range c.serials {
			if !yield(runner.PlanRow{Serial: s}, nil) {
				return
			}
		}
	})
	if err == nil && len(list.Problems) > 0 {
		err = list.Problems[0].Problem
	}
	if err != nil {
		return err
	}
	view, err := c.SubmitPlan(ctx, installation.Tess, c.plan)
	if err == nil && view.Missing > 0 {
		_, err = c.ApprovePlan(ctx, installation.Bob, c.plan, runner.Approved{Digest: list.Plan.Digest})
	}
	return err
}

// request is something that a host does.
type request struct {
	name string
	do   func(ctx context.Context) error
}

// told is a call whose answer does not matter.
func told[T any](name string, do func(ctx context.Context) (T, error)) request {
	return request{name, func(ctx context.Context) error { _, err := do(ctx); return err }}
}

var tess, page = installation.Tess, runner.Page{Limit: 100}

// machines are what the cron job asks.
func (d *desk) machines() []request {
	var all []request
	for range 3 {
		all = append(all, told("run what is due", func(ctx context.Context) (runner.Ran, error) { return d.RunDue(ctx, runner.Due{Limit: 100}) }))
	}
	for _, kind := range runner.Kinds() {
		all = append(all, told("run what is due: "+kind, func(ctx context.Context) (runner.Ran, error) {
			ran, err := d.RunDue(ctx, runner.Due{Limit: 20, Kinds: []string{kind}})
			if err == nil && ran.Failed > 0 {
				err = fmt.Errorf("%d failed", ran.Failed)
			}
			return ran, err
		}))
	}
	return append(all,
		told("export the audit", func(ctx context.Context) ([]runner.LoggedEntry, error) { return d.ExportAudit(ctx, 0, 100) }),
		told("go on with the export", func(ctx context.Context) ([]runner.LoggedEntry, error) { return d.ExportAudit(ctx, 50, 100) }),
		told("a checkpoint", d.AuditCheckpoint),
		told("renew what is sealed", func(ctx context.Context) (seal.Swept, error) {
			return d.sealer.Sweep(ctx, seal.SweepOptions{Kinds: []seal.SweptKind{{Kind: runner.KindServer}}, Limit: 50})
		}),
		told("rotate data keys", d.sealer.RotateDataKeys),
	)
}

// people are what those who look after everything ask.
func (d *desk) people() []request {
	return []request{
		told("stats", d.Stats), told("push stats", d.PushStats), told("policy", d.Policy), told("switch", d.Switch),
		told("servers", func(ctx context.Context) (runner.ServerPage, error) { return d.Servers(ctx, runner.ServerQuery{}) }),
		told("servers that expire", func(ctx context.Context) (runner.ServerPage, error) {
			return d.Servers(ctx, runner.ServerQuery{Health: enrollment.Expired})
		}),
		told("pushes", func(ctx context.Context) (runner.PushPage, error) { return d.Pushes(ctx, runner.PushQuery{}) }),
		told("proposals", func(ctx context.Context) (runner.ProposalPage, error) { return d.Proposals(ctx, tess, page) }),
		told("the installation's history", func(ctx context.Context) ([]enrollment.AuditEntry, error) { return d.Audit(ctx, 0, 100) }),
	}
}

// asks are what people of one customer do.
func (c *customer) asks() []request {
	server := c.servers[0].ID
	return []request{
		told("a tenant's servers", func(ctx context.Context) (runner.ServerPage, error) { return c.Servers(ctx, runner.ServerQuery{}) }),
		told("of a site", func(ctx context.Context) (runner.ServerPage, error) {
			return c.Servers(ctx, runner.ServerQuery{Site: c.servers[0].Site, Health: enrollment.Active})
		}),
		told("check a server", func(ctx context.Context) (runner.ServerView, error) { return c.CheckServer(ctx, tess, server) }),
		{"renew", func(ctx context.Context) error {
			v, err := c.StartRenewal(ctx, tess, server)
			c.renewal = v.ID
			return err
		}},
		told("its certificate", func(ctx context.Context) (runner.Certificate, error) { return c.Certificate(ctx, tess, c.renewal) }),
		told("renewals", func(ctx context.Context) (runner.RenewalPage, error) { return c.Renewals(ctx, tess, server, page) }),
		told("cancel it", func(ctx context.Context) (runner.RenewalView, error) { return c.Cancel(ctx, tess, c.renewal) }),
		told("history", func(ctx context.Context) ([]enrollment.AuditEntry, error) {
			return c.Audit(ctx, string(server), 0, 100)
		}),
		{"a new plan", c.newPlan},
		{"with its devices", c.list},
		told("the plan", func(ctx context.Context) (runner.PlanView, error) { return c.Plan(ctx, tess, c.plan) }),
		told("plans", func(ctx context.Context) (runner.PlanPage, error) { return c.Plans(ctx, tess, page) }),
		told("moves", func(ctx context.Context) (runner.MovePage, error) { return c.Moves(ctx, tess, c.plan, "", page) }),
		told("moves that wait", func(ctx context.Context) (runner.MovePage, error) {
			return c.Moves(ctx, tess, c.plan, migration.MoveQueued, page)
		}),
		told("batches", func(ctx context.Context) (runner.BatchPage, error) { return c.Batches(ctx, tess, c.plan, page) }),
		told("waves", func(ctx context.Context) (runner.WavePage, error) { return c.Waves(ctx, c.plan, page) }),
		told("exclude a device", func(ctx context.Context) (runner.PlanView, error) {
			return c.ExcludeDevice(ctx, tess, c.plan, c.serials[3])
		}),
		told("a device checks in", func(ctx context.Context) (bool, error) {
			return c.Observe(ctx, enrollment.DeviceEvent{
				Kind: enrollment.DeviceAuthenticated, Tenant: c.ID(), Serial: c.serials[5], UDID: "UDID-5", MDM: "old", At: time.Now(),
			})
		}),
		told("one that nobody moves", func(ctx context.Context) (bool, error) {
			return c.Observe(ctx, enrollment.DeviceEvent{
				Kind: enrollment.DeviceEnrolled, Tenant: c.ID(), UDID: "UDID-NOBODY", MDM: "old", At: time.Now(),
			})
		}),
		told("throw the switch", func(ctx context.Context) (migration.Switch, error) { return c.ThrowSwitch(ctx, tess, "drill") }),
		told("cancel all", func(ctx context.Context) (int, error) { return c.CancelAll(ctx, tess) }),
		{"close", func(ctx context.Context) error { return c.Close(ctx, tess) }},
		{"erase", func(ctx context.Context) error { return c.Erase(ctx, tess) }},
	}
}

// Whatever the runner asks a large installation's database, it goes by an index: as it is asked, and also where the server
// plans by its statistics alone, with sequential scans as good as any.
func TestNothingThatTheRunnerAsksReadsTheWholeTable(t *testing.T) {
	size := installation.Size{Tenants: 3, Servers: 200, Devices: 6000, Seed: 3} // so the first has more moves than any page
	if testing.Short() {
		size.Devices = 4500
	}
	d := newDesk(t, size)
	c := d.customer(t)
	d.plans.taken()
	for _, call := range slices.Concat(d.machines(), d.people(), c.asks(), d.machines()) {
		require.NoError(t, call.do(t.Context()), call.name)
		checkPlans(t, call.name, d.plans.taken())
	}
	require.Greater(t, len(d.asked.with), 15, "every statement of the store that is about records")
	plain := pooled(t, pgserver.DSN(t))
	for sql, args := range d.asked.with {
		var plan []struct{ Plan node }
		require.NoError(t, plain.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+sql, args...).Scan(&plan), sql)
		plan[0].Plan.walk(func(n node) {
			if n.Relation == "records" {
				assert.NotContains(t, n.Type, "Seq Scan", "where the server plans by itself: %s", sql)
			}
		})
	}
}
