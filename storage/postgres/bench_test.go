package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// beside times two ways of doing the same in turns, so that whatever else the machine does hits both, and reports how fast
// the first one is: as a share of the second, by the medians of all rounds.
func beside(b *testing.B, rows int, ours, raw func()) {
	timed := func(do func()) time.Duration {
		began := time.Now()
		do()
		return time.Since(began)
	}
	var a, c []time.Duration
	for b.Loop() {
		a = append(a, timed(ours))
		c = append(c, timed(raw))
	}
	slices.Sort(a)
	slices.Sort(c)
	mine, theirs := a[len(a)/2], c[len(c)/2]
	b.ReportMetric(float64(theirs)/float64(mine), "of-raw-SQL")
	b.ReportMetric(float64(rows)/mine.Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/theirs.Seconds(), "raw-rows/s")
}

var snapshot = bytes.Repeat([]byte("0123456789"), 60)

// moves are n records of a plan, due since long ago.
func moves(plan string, n int) []storage.Record {
	all := make([]storage.Record, n)
	for i := range all {
		all[i] = storage.Record{
			RecordKey: storage.RecordKey{Kind: "move", Tenant: "acme", ID: fmt.Sprintf("%s/%08d", plan, i)},
			Parent:    plan, State: "queued", Wake: storage.Instant(time.Now().Add(-time.Hour)), Data: snapshot,
		}
	}
	return all
}

// copied writes records with COPY, the fastest way there is.
func copied(b *testing.B, pool *pgxpool.Pool, schema string, records []storage.Record) {
	_, err := pool.CopyFrom(context.Background(), pgx.Identifier{schema, "records"},
		[]string{"kind", "tenant", "id", "parent", "state", "wake", "version", "data"},
		pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
			r := records[i]
			return []any{r.Kind, r.Tenant, r.ID, r.Parent, r.State, r.Wake, 1, r.Data}, nil
		}))
	require.NoError(b, err)
}

// BenchmarkCreate writes the 10,000 moves of a plan, beside COPY of the same rows into the same table.
func BenchmarkCreate(b *testing.B) {
	s, pool, schema := newStore(b)
	const rows = storage.MaxWriteSize
	n := 0
	beside(b, rows, func() {
		n++
		require.NoError(b, s.Commit(context.Background(), storage.Write{Put: moves(fmt.Sprint("ours ", n), rows)}))
	}, func() { copied(b, pool, schema, moves(fmt.Sprint("raw ", n), rows)) })
}

// BenchmarkStep claims a hundred due moves, changes them and writes them, beside SQL that does the same row changes and no
// more: one statement that claims, one that writes.
func BenchmarkStep(b *testing.B) {
	ctx := context.Background()
	const rows = 100
	s, pool, schema := newStore(b)
	other := newSchema(b, pool)
	for _, schema := range []string{schema, other} {
		populate(b, pool, schema, 20_000)
		copied(b, pool, schema, moves("plan", 10_000))
		_, err := pool.Exec(ctx, "VACUUM ANALYZE "+schema+".records")
		require.NoError(b, err)
	}
	in := func(text string) string { return strings.ReplaceAll(text, "$RECORDS", other+".records") }
	claim := in(`
WITH due AS (
	SELECT kind, tenant, id FROM $RECORDS WHERE kind = 'move' AND wake <= now() ORDER BY wake, tenant, id LIMIT 100 FOR UPDATE SKIP LOCKED)
UPDATE $RECORDS AS r SET wake = now() + interval '1 minute', version = r.version + 1
FROM due WHERE r.kind = due.kind AND r.tenant = due.tenant AND r.id = due.id
RETURNING r.tenant, r.id, r.version, r.data`)
	write := in(`
UPDATE $RECORDS AS r SET state = v.state, wake = v.wake, data = v.data, version = r.version + 1
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[]) AS v(tenant, id, version, state, wake, data)
WHERE r.kind = 'move' AND r.tenant = v.tenant AND r.id = v.id AND r.version = v.version`)
	again := func(i int) time.Time {
		return storage.Instant(time.Now().Add(time.Duration(i)*time.Second - time.Hour))
	}
	beside(b, rows, func() {
		c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move"}, Limit: rows, Lease: time.Minute})
		require.NoError(b, err)
		require.Len(b, c.Records, rows)
		for i := range c.Records {
			r := &c.Records[i]
			r.State, r.Wake, r.Data = "moved", again(i), snapshot
		}
		require.NoError(b, s.Commit(ctx, storage.Write{Put: c.Records}))
	}, func() {
		var tenants, ids, states []string
		var versions []int64
		var wakes []time.Time
		var data [][]byte
		found, err := pool.Query(ctx, claim)
		require.NoError(b, err)
		var tenant, id string
		var version int64
		var old []byte
		_, err = pgx.ForEachRow(found, []any{&tenant, &id, &version, &old}, func() error {
			tenants, ids, versions = append(tenants, tenant), append(ids, id), append(versions, version)
			states, wakes, data = append(states, "moved"), append(wakes, again(len(ids))), append(data, snapshot)
			return nil
		})
		require.NoError(b, err)
		tag, err := pool.Exec(ctx, write, tenants, ids, versions, states, wakes, data)
		require.NoError(b, err)
		require.EqualValues(b, rows, tag.RowsAffected())
	})
}

// BenchmarkDue claims a hundred of many due records: the time must not grow with their number. ABMRENEW_BENCH_ROWS gives the
// larger one; a million takes a minute to make.
func BenchmarkDue(b *testing.B) {
	ctx := context.Background()
	most := 100_000
	if text := os.Getenv("ABMRENEW_BENCH_ROWS"); text != "" {
		var err error
		most, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	for _, rows := range []int{most / 10, most} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s, pool, schema := newStore(b)
			populate(b, pool, schema, rows)
			_, err := pool.Exec(ctx, "VACUUM ANALYZE "+schema+".records")
			require.NoError(b, err)
			for b.Loop() {
				// They are due again at once, behind all others.
				c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"move", "server"}, Limit: 100, Lease: time.Microsecond})
				require.NoError(b, err)
				require.Len(b, c.Records, 100)
			}
		})
	}
}
