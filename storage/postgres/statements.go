package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are the texts of all that a store asks, over the tables of its schema.
//
// $PRESENT stands for the store's present. statement_timestamp() and not now(), because the host's transaction may have
// begun long ago; and not clock_timestamp(), which moves on within a statement and so cannot be looked up in an index.
type statements struct {
	inspect, check                   string
	settings                         string
	get, getMany                     string
	list, count                      func(filter string) string
	present, nextOfKinds, nextOfKeys string
	claimKinds, claimShard           string
	lockKeys, claimKeys              string
	lock, mark, create, put, remove  string
	exists, forget                   string
}

// planning has the planner use the indexes even where it knows nothing of the table yet, as after a bulk load. This, like all
// settings, is for the present transaction only: a pooler hands the connection to somebody else afterwards.
const planning = `
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`

func newStatements(schema string) statements {
	in := strings.NewReplacer(
		"$RECORDS", pgx.Identifier{schema, "records"}.Sanitize(),
		"$LAYOUT", pgx.Identifier{schema, "layout"}.Sanitize(),
		"$PRESENT", "coalesce($1::timestamptz, statement_timestamp())",
		"$COLUMNS", "r.kind, r.tenant, r.id, r.parent, r.state, r.wake, r.version, r.data",
		"$SAME", "r.kind = k.kind AND r.tenant = k.tenant AND r.id = k.id",
	).Replace
	const claimed = `
UPDATE $RECORDS AS r SET wake = $PRESENT + $2::interval, version = r.version + 1
FROM due WHERE r.ctid = due.tid
RETURNING $COLUMNS, due.wake, $PRESENT`
	// First how many of each kind are among the oldest, without locks; then exactly so many are locked, past those that
	// other workers are about to take.
	claimOldest := func(filter string) string {
		return in(`
WITH share AS MATERIALIZED (
	SELECT o.kind, count(*) AS n FROM (
		SELECT d.kind FROM unnest($4::text[]) AS k(kind) CROSS JOIN LATERAL (
			SELECT r.kind, r.wake, r.tenant, r.id FROM $RECORDS AS r
			WHERE r.kind = k.kind AND r.wake <= $PRESENT` + filter + ` ORDER BY r.wake, r.tenant, r.id LIMIT $3) AS d
		ORDER BY d.wake, d.tenant, d.id, d.kind LIMIT $3) AS o
	GROUP BY o.kind
), due AS MATERIALIZED (
	SELECT d.tid, d.wake FROM share CROSS JOIN LATERAL (
		SELECT r.ctid AS tid, r.wake FROM $RECORDS AS r
		WHERE r.kind = share.kind AND r.wake <= $PRESENT` + filter + `
		ORDER BY r.wake, r.tenant, r.id LIMIT share.n FOR NO KEY UPDATE SKIP LOCKED) AS d
)` + claimed)
	}
	return statements{
		inspect: `
SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), EXISTS (
	SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = $1 AND c.relname = 'layout' AND has_schema_privilege(n.oid, 'USAGE'))`,
		check: in(`
SELECT coalesce(max(version), 0), has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'INSERT')
	AND has_table_privilege($1, 'UPDATE') AND has_table_privilege($1, 'DELETE') FROM $LAYOUT`),

		// A commit that was answered is on the disk, whatever the database's default.
		settings: planning + `,
	set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
	set_config('idle_in_transaction_session_timeout', $1, true),
	set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
		ELSE current_setting('synchronous_commit') END, true)`,

		get: in(`SELECT $COLUMNS FROM $RECORDS AS r WHERE r.kind = $1 AND r.tenant = $2 AND r.id = $3 AND r.gone IS NULL`),
		getMany: in(`
SELECT $COLUMNS FROM unnest($1::text[], $2::text[], $3::text[]) AS k(kind, tenant, id) CROSS JOIN LATERAL (
	SELECT * FROM $RECORDS AS r WHERE $SAME AND r.gone IS NULL LIMIT 1) AS r`),
		list: func(filter string) string {
			return in(`
SELECT $COLUMNS FROM $RECORDS AS r
WHERE r.kind = $1 AND (r.tenant, r.id) > ($2, $3) AND r.gone IS NULL` + filter + ` ORDER BY r.tenant, r.id LIMIT $4`)
		},
		count: func(filter string) string {
			return in(`SELECT r.state, count(*) FROM $RECORDS AS r WHERE r.kind = $1 AND r.gone IS NULL` + filter + ` GROUP BY r.state`)
		},

		present: in(`SELECT $PRESENT, NULL::timestamptz`),
		nextOfKinds: in(`
SELECT $PRESENT, (SELECT min(d.wake) FROM unnest($2::text[]) AS k(kind) CROSS JOIN LATERAL (
	SELECT r.wake FROM $RECORDS AS r WHERE r.kind = k.kind AND r.wake IS NOT NULL ORDER BY r.wake LIMIT 1) AS d)`),
		nextOfKeys: in(`
SELECT $PRESENT, (SELECT min(d.wake) FROM unnest($2::text[], $3::text[], $4::text[]) AS k(kind, tenant, id) CROSS JOIN LATERAL (
	SELECT r.wake FROM $RECORDS AS r WHERE $SAME LIMIT 1) AS d)`),

		claimKinds: claimOldest(""),
		// Which tenants are in a shard is looked at while the index of due records is read, which holds all shards.
		claimShard: claimOldest(`
			AND mod(hashtextextended(r.tenant, 0) & x'7fffffff'::int, $6::bigint) = $5::bigint`),
		// Who names records waits for them. What was locked can be seen by the next statement only.
		lockKeys: in(`
SELECT count(*) FROM unnest($2::text[], $3::text[], $4::text[]) AS k(kind, tenant, id) CROSS JOIN LATERAL (
	SELECT FROM $RECORDS AS r WHERE $SAME AND r.wake <= $PRESENT FOR NO KEY UPDATE) AS d`),
		claimKeys: in(`
WITH due AS MATERIALIZED (
	SELECT r.ctid AS tid, r.wake FROM unnest($4::text[], $5::text[], $6::text[]) AS k(kind, tenant, id) CROSS JOIN LATERAL (
		SELECT r.ctid, r.wake, r.tenant, r.id, r.kind FROM $RECORDS AS r
		WHERE $SAME AND r.wake <= $PRESENT FOR NO KEY UPDATE SKIP LOCKED) AS r
	ORDER BY r.wake, r.tenant, r.id, r.kind LIMIT $3
)` + claimed),

		// One after the other in the order of the arrays, which is that of the keys, so that no two writes wait for each
		// other; and each in the strength that it needs.
		lock: in(`
SELECT k.n, coalesce(a.tid, b.tid)::text, coalesce(a.version, b.version), coalesce(a.gone, b.gone) IS NOT NULL
FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[]) WITH ORDINALITY AS k(kind, tenant, id, change, n)
LEFT JOIN LATERAL (SELECT r.ctid AS tid, r.version, r.gone FROM $RECORDS AS r WHERE k.change AND $SAME FOR NO KEY UPDATE) AS a ON true
LEFT JOIN LATERAL (SELECT r.ctid AS tid, r.version, r.gone FROM $RECORDS AS r WHERE NOT k.change AND $SAME FOR SHARE) AS b ON true`),
		mark: in(`
INSERT INTO $RECORDS AS r (kind, tenant, id, parent, state, version, data, gone)
SELECT k.kind, k.tenant, k.id, '', '', 0, '', $PRESENT FROM unnest($2::text[], $3::text[], $4::text[]) AS k(kind, tenant, id)
ON CONFLICT DO NOTHING`),
		create: in(`
INSERT INTO $RECORDS AS r (kind, tenant, id, parent, state, wake, version, data)
SELECT k.kind, k.tenant, k.id, k.parent, k.state, k.wake, 1, k.data
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[])
	AS k(kind, tenant, id, parent, state, wake, data)
ON CONFLICT (kind, tenant, id) DO UPDATE SET parent = excluded.parent, state = excluded.state, wake = excluded.wake,
	version = r.version + 1, data = excluded.data, gone = NULL
WHERE r.gone IS NOT NULL`),
		put: in(`
UPDATE $RECORDS AS r SET parent = v.parent, state = v.state, wake = v.wake, version = r.version + 1, data = v.data
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[]) AS v(tid, parent, state, wake, data)
WHERE r.ctid = v.tid::tid`),
		remove: in(`
UPDATE $RECORDS AS r SET parent = '', state = '', wake = NULL, data = '', gone = $PRESENT
FROM unnest($2::text[]) AS v(tid) WHERE r.ctid = v.tid::tid`),
		exists: in(`
SELECT k.n FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(kind, tenant, id, n)
CROSS JOIN LATERAL (SELECT FROM $RECORDS AS r WHERE $SAME AND r.gone IS NULL) AS r LIMIT 1`),
		// Some of the old deletions, whenever there are new ones. Not within a host's transaction, which could fail for it.
		forget: in(`
DELETE FROM $RECORDS AS r USING (
	SELECT o.ctid AS tid FROM $RECORDS AS o WHERE o.gone < $PRESENT - interval '7 days' ORDER BY o.gone LIMIT $2
	FOR UPDATE SKIP LOCKED) AS old
WHERE r.ctid = old.tid`),
	}
}
