package postgres_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

// A host's row and the library's record change together, or not at all.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	check(err)
	defer pool.Close()
	check(postgres.Migrate(ctx, pool.Config().ConnConfig, "abmrenew")) // once, by a role that may
	store, err := postgres.New(pool, postgres.Options{Schema: "abmrenew"})
	check(err)
	check(store.Check(ctx))

	tx, err := pool.Begin(ctx)
	check(err)
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, "UPDATE devices SET seen_at = now() WHERE serial = $1", "C02XYZ")
	check(err)
	seen := storage.Record{RecordKey: storage.RecordKey{Kind: "sighting", Tenant: "acme", ID: "C02XYZ"}, Data: []byte("{}")}
	check(store.In(tx).Commit(ctx, storage.Write{Put: []storage.Record{seen}}))
	check(tx.Commit(ctx))
	fmt.Println("both")
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
