package rmm

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables up to date.
func (a *App) Migrate(ctx context.Context) error {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	return a.within(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(7266)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)`); err != nil {
			return err
		}
		for _, f := range files {
			var done bool
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM schema_migrations WHERE name = $1)`, f.Name()).Scan(&done); err != nil || done {
				if err != nil {
					return err
				}
				continue
			}
			text, err := migrations.ReadFile("migrations/" + f.Name())
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(text)); err != nil {
				return fmt.Errorf("rmm: migration %s: %w", f.Name(), err)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO schema_migrations VALUES ($1)`, f.Name()); err != nil {
				return err
			}
		}
		return nil
	})
}
