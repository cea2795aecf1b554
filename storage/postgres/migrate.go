package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// layout is the number of the newest migration, which this code needs.
const layout = 1

// ErrLayout says that the tables are not those that this version of the program needs.
var ErrLayout = errors.New("postgres: the tables are not of this version of the program")

// Migrations returns the migrations as plain SQL files, in the order of their names, for hosts that apply them with a tool
// of their own: each in one transaction, with the schema of choice as the search path.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is embedded right above
	}
	return sub
}

// Migrate makes the schema, if it is not there, and brings its tables to the present layout. It needs a role that may do
// so, and a direct connection: a pooler in transaction mode does not keep the lock by which several processes that start
// at once take turns. An empty schema is [DefaultSchema].
//
// Each migration is one transaction: what fails or is cut off has changed nothing, and the next call goes on.
func Migrate(ctx context.Context, config *pgx.ConnConfig, schema string) error {
	o, err := Options{Schema: schema}.withDefaults()
	if err != nil {
		return err
	}
	quoted := pgx.Identifier{o.Schema}.Sanitize()
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SELECT set_config('search_path', $1, false)", quoted)
		return err
	}))
	err = migrate(ctx, db, o.Schema)
	if closing := db.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("migrating the schema %s: %w", quoted, err)
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB, schema string) error {
	if err := createSchema(ctx, db, schema); err != nil {
		return err
	}
	id := fnv.New64a()
	_, _ = id.Write([]byte("abmrenew migrations of " + schema)) // a hash does not fail
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(id.Sum64())), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, Migrations(),
		goose.WithTableName("migrations"), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// createSchema looks first, because a role that may not create one may still be given one.
func createSchema(ctx context.Context, db *sql.DB, schema string) error {
	var there bool
	err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)", schema).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize())
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "23505" || refused.Code == "42P06") {
		return nil // another process made it in the same moment
	}
	return err
}

// Check tells whether the store can work: the server's version and encoding, the layout of the tables, and the privileges
// of the role. Call it when the program starts. Its error matches [ErrLayout] if migrations are missing, or if they are of
// a newer program.
func (s *Store) Check(ctx context.Context) error {
	var server int
	var encoding string
	var tables, allowed bool
	err := s.pool.QueryRow(ctx, s.sql.inspect, s.schema).Scan(&server, &encoding, &tables)
	switch {
	case err != nil:
		return fmt.Errorf("checking the database: %w", err)
	case server < 140000:
		return fmt.Errorf("postgres: the server has version %d; 14 or later is needed", server/10000)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: the database is encoded in %s; UTF8 is needed: create one with ENCODING 'UTF8'", encoding)
	case !tables:
		return fmt.Errorf("%w: there are none in the schema %q: call Migrate, or grant the role USAGE of the schema", ErrLayout, s.schema)
	}
	var version int
	if err := s.pool.QueryRow(ctx, s.sql.check, pgx.Identifier{s.schema, "records"}.Sanitize()).Scan(&version, &allowed); err != nil {
		return fmt.Errorf("checking the tables: %w", err)
	}
	switch {
	case version < layout:
		return fmt.Errorf("%w: they have layout %d, not %d: call Migrate before this version runs", ErrLayout, version, layout)
	case version > layout:
		return fmt.Errorf("%w: they have layout %d, which is newer than %d: update this program", ErrLayout, version, layout)
	case !allowed:
		return errors.New("postgres: the role may not work with the records: " +
			"GRANT SELECT, INSERT, UPDATE, DELETE ON records, and SELECT ON layout")
	}
	return nil
}
