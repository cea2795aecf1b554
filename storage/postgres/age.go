package postgres

import (
	"context"
	"fmt"
	"time"
)

// Age is how long transactions have been open on the server.
type Age struct {
	// Oldest is the age of the oldest transaction that keeps VACUUM from removing old versions of rows or holds locks,
	// prepared ones included; zero: there is none.
	Oldest time.Duration
	// Hidden is how many sessions of other roles the server does not show to this one, so that an older one may be among
	// them. GRANT pg_read_all_stats makes it zero.
	Hidden int
}

// Age tells how long the oldest transaction has been open, which is worth a metric and an alarm: the older it is, the slower
// claims become. It needs no right beyond those of the store, but then sees only the sessions of its own role. What the
// server does by itself, and the session that asks, do not count.
func (s *Store) Age(ctx context.Context) (Age, error) {
	var a Age
	if err := s.pool.QueryRow(ctx, openTransactions).Scan(&a.Oldest, &a.Hidden); err != nil {
		return Age{}, fmt.Errorf("looking for the oldest transaction: %w", err)
	}
	return a, nil
}

// What the server does by itself has no role, or no database. Of sessions whose role is neither this one nor granted to it,
// pg_stat_activity shows little more than that they are there. Prepared transactions have no session, and anybody sees them.
// A replica that feeds back what it reads (hot_standby_feedback) shows a snapshot without a beginning: its own server knows.
const openTransactions = `
SELECT greatest(max(clock_timestamp() - o.began), interval '0'), count(*) FILTER (WHERE o.hidden) FROM (
	SELECT a.xact_start AS began, a.datid IS NOT NULL
		AND NOT pg_has_role(a.usesysid, 'USAGE') AND NOT pg_has_role('pg_read_all_stats', 'USAGE') AS hidden
	FROM pg_catalog.pg_stat_activity AS a
	WHERE a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()
		AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL OR a.state IS NULL)
	UNION ALL SELECT p.prepared, false FROM pg_catalog.pg_prepared_xacts AS p
) AS o`
