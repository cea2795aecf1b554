package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// plans collects how the server did what it was asked for.
type plans struct {
	mu   sync.Mutex
	seen []string
}

func (p *plans) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

// watched opens a pool whose server tells the plan of every statement, as it was really done. A server may plan a prepared
// statement for its parameters or for any; which of the two it takes, planning says.
func watched(t testing.TB, dsn, planning string, p *plans, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	return pooled(t, dsn, append(change, func(c *pgxpool.Config) {
		c.MaxConns = 1
		for setting, value := range map[string]string{
			"session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_level": "notice",
			"auto_explain.log_format": "json", "auto_explain.log_analyze": "on",
			"plan_cache_mode": planning,
		} {
			c.ConnConfig.RuntimeParams[setting] = value
		}
		c.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			if _, plan, is := strings.Cut(n.Message, "plan:\n"); is {
				p.mu.Lock()
				p.seen = append(p.seen, plan)
				p.mu.Unlock()
			}
		}
	})...)
}

// node is a step of a plan.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []node  `json:"Plans"`
}

func (n node) walk(visit func(node)) {
	visit(n)
	for _, below := range n.Plans {
		below.walk(visit)
	}
}

// populate fills a schema with n records, past the store.
func populate(t testing.TB, pool *pgxpool.Pool, schema string, n int) {
	t.Helper()
	_, err := pool.Exec(context.Background(), fmt.Sprintf(`
INSERT INTO %s.records (kind, tenant, id, parent, state, wake, version, data)
SELECT CASE WHEN i %% 10 = 0 THEN 'server' ELSE 'move' END, 'tenant ' || i %% 100, 'id ' || i,
	CASE WHEN i %% 3 = 0 THEN '' ELSE 'plan ' || i %% 20 END, 'state ' || i %% 7,
	CASE WHEN i %% 2 = 0 THEN now() + (i - %d / 2) * interval '1 second' END, 1, convert_to(repeat('x', 200), 'UTF8')
FROM generate_series(1, %d) AS i`, schema, n, n))
	require.NoError(t, err)
}

// Whatever the store asks, it goes by an index, however large the table and whether its statistics are up to date or not.
func TestNothingReadsTheWholeTable(t *testing.T) {
	ctx := context.Background()
	pool := pooled(t, pgserver.DSN(t))
	schema := newSchema(t, pool)
	populate(t, pool, schema, 100_000)
	for _, name := range []string{"right after a bulk load", "after ANALYZE"} {
		for _, planning := range []string{"force_custom_plan", "force_generic_plan"} {
			t.Run(name+" "+planning, func(t *testing.T) {
				if name == "after ANALYZE" {
					_, err := pool.Exec(ctx, "ANALYZE "+schema+".records")
					require.NoError(t, err)
				}
				var p plans
				watching := watched(t, pgserver.DSN(t), planning, &p)
				s := opened(t, watching, postgres.Options{Schema: schema})
				for call, do := range calls(s) {
					require.NoError(t, do(ctx), call)
					checkPlans(t, call, p.taken())
				}
				tx, err := watching.Begin(ctx)
				require.NoError(t, err)
				defer func() { require.NoError(t, tx.Rollback(ctx)) }()
				for call, do := range calls(s.In(tx)) {
					if !strings.HasPrefix(call, "claim") { // which is refused there
						require.NoError(t, do(ctx), call)
						checkPlans(t, call+" in a transaction", p.taken())
					}
				}
			})
		}
	}
}

var fresh atomic.Int64

// calls are one of each shape.
func calls(s storage.Store) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for _, q := range []storage.Query{
		{AllTenants: true}, {Tenant: "tenant 7"}, {Tenant: "tenant 7", Parent: "plan 7"}, {Tenant: "tenant 7", State: "state 2"},
		{AllTenants: true, Parent: "plan 7"}, {AllTenants: true, State: "state 2"}, {AllTenants: true, State: "none"},
		{Tenant: "tenant 7", Parent: "plan 7", State: "state 2"}, {AllTenants: true, After: storage.Position{Tenant: "tenant 5", ID: "id 9"}},
	} {
		q.Kind, q.Limit = "move", 100
		all[fmt.Sprintf("list %+v", q)] = func(ctx context.Context) error { _, err := s.List(ctx, q); return err }
		all[fmt.Sprintf("count %+v", q)] = func(ctx context.Context) error { _, err := s.Count(ctx, q); return err }
	}
	k := storage.RecordKey{Kind: "move", Tenant: "tenant 7", ID: "id 7"}
	all["get"] = func(ctx context.Context) error { _, err := s.Get(ctx, k); return err }
	all["get many"] = func(ctx context.Context) error {
		keys := []storage.RecordKey{k}
		for i := range 500 {
			keys = append(keys, storage.RecordKey{Kind: "server", Tenant: fmt.Sprint("tenant ", i%10*10), ID: fmt.Sprint("id ", i*10)})
		}
		_, err := s.GetMany(ctx, keys)
		return err
	}
	all["claim"] = func(ctx context.Context) error {
		_, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move", "server"}, Limit: 100, Lease: time.Hour})
		return err
	}
	all["claim one kind"] = func(ctx context.Context) error {
		_, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move"}, Limit: 100, Lease: time.Hour})
		return err
	}
	all["claim one shard"] = func(ctx context.Context) error {
		_, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move"}, Shard: storage.Shard{Index: 1, Of: 4}, Limit: 100, Lease: time.Hour})
		return err
	}
	all["claim by key"] = func(ctx context.Context) error {
		_, err := s.Claim(ctx, storage.Claim{Keys: []storage.RecordKey{k, {Kind: "server", Tenant: "tenant 20", ID: "id 20"}}, Limit: 100, Lease: time.Hour})
		return err
	}
	all["time"] = func(ctx context.Context) error {
		_, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move"}})
		return err
	}
	all["write"] = func(ctx context.Context) error {
		n := fresh.Add(1)
		w := storage.Write{Hold: []storage.Ref{{RecordKey: storage.RecordKey{Kind: "tenant", ID: "absent"}}}}
		page, err := s.List(ctx, storage.Query{Kind: "move", AllTenants: true, Limit: 100})
		if err != nil {
			return err
		}
		for i, r := range page {
			switch i % 3 {
			case 0:
				w.Put = append(w.Put, r)
			case 1:
				w.Hold = append(w.Hold, r.Ref())
			case 2:
				w.Delete = append(w.Delete, r.Ref())
				w.Put = append(w.Put, storage.Record{RecordKey: storage.RecordKey{Kind: "new", ID: fmt.Sprint(n, " ", i)}})
			}
		}
		return s.Commit(ctx, w)
	}
	return all
}

// checkPlans demands that nothing reads the table from end to end, nor far more rows than it needs.
func checkPlans(t *testing.T, call string, texts []string) {
	t.Helper()
	assert.NotEmpty(t, texts, "%s: no plan was seen", call)
	for _, text := range texts {
		var plan struct {
			Query string `json:"Query Text"`
			Plan  node
		}
		require.NoError(t, json.Unmarshal([]byte(text), &plan), text)
		plan.Plan.walk(func(n node) {
			if n.Relation != "records" {
				return
			}
			assert.NotContains(t, n.Type, "Seq Scan", "%s:\n%s", call, text)
			// A count visits what it counts, and no index has parent and state: there it visits the parent's.
			counts := strings.Contains(plan.Query, "SELECT r.state, count(*)")
			if !counts && !(strings.Contains(plan.Query, "r.parent = $") && strings.Contains(plan.Query, "r.state = $")) {
				assert.LessOrEqual(t, n.Rows*max(n.Loops, 1)+n.Removed, 2000.0, "%s reads far more than it needs:\n%s", call, text)
			}
		})
	}
}
