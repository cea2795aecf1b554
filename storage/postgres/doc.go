// Package postgres keeps records in PostgreSQL 14 or later, so that any number of machines can share them.
//
// # Setting up
//
// [Migrate] makes the tables in a schema of choice; hosts with a migration tool of their own apply the files of
// [Migrations] with it. [New] takes the host's pool, and [Store.Check] tells at the start whether everything is as the
// program needs it. The role that works needs no right to change tables:
//
//	GRANT USAGE ON SCHEMA abmrenew TO rmm;
//	GRANT SELECT, INSERT, UPDATE, DELETE ON abmrenew.records TO rmm;
//	GRANT SELECT ON abmrenew.layout TO rmm;
//
// # What it guarantees
//
//   - Commit locks each record that it puts, deletes or holds, in the order of the keys, and compares its version then: of
//     two writers of a version one wins, and nothing that holds a record is committed after that record has changed, at
//     any isolation level.
//   - A commit that returned nil is on the server's disk, also where the database's default is synchronous_commit = off.
//     Where replicas count, set synchronous_standby_names: a failover to a replica that lags forgets commits.
//   - Writes that waited for each other, and connections that were lost before a COMMIT was sent, are tried again. Where
//     a COMMIT was sent and not answered, the error says that nobody knows, and matches none of storage's errors.
//   - [Store.In] works within the host's own transaction, which goes on after a conflict.
//   - The store's present is the database's clock, which all workers share; the clocks of their machines do not matter.
//   - No call reads a table from end to end, whatever its size, and whether its statistics are up to date or not. Claims of
//     many workers pass each other (SKIP LOCKED).
//   - A worker that stops in the middle of a write blocks others for [Options.StatementTimeout] at most: then the server
//     ends its session.
//
// Give calls a deadline: what a server that vanished without a word never answers, no setting of the server can end.
//
// # Poolers
//
// Nothing is kept on a session: settings are made for a transaction, and locks end with it. Behind a pooler in transaction
// mode (PgBouncer, Supavisor, RDS Proxy) pgx itself must not keep prepared statements: add default_query_exec_mode=exec to
// the connection string (or cache_describe). [Migrate] alone needs a direct connection.
//
// # Looking after it
//
// A transaction that stays open for long, anywhere on the server, keeps VACUUM from removing the old versions of rows; claims
// become slower, never wrong. Watch the age of the oldest one, which [Store.Age] tells, and set
// idle_in_transaction_session_timeout for other programs. To see their transactions as well, the role needs
//
//	GRANT pg_read_all_stats TO rmm;
//
// pg_dump and base backups take the records as they are: secrets are sealed, so a backup is worth nothing without the keyring,
// which has to be kept elsewhere, and a restore needs both. After a restore to an earlier moment, effects that were done since
// are done again, with the IDs that they had.
package postgres
