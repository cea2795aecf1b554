package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/postgres"
)

const childEnv = "ABMRENEW_TEST_WORKER"

// childProcess is a worker, if the environment says so: a database, and a schema on the next line.
func childProcess() (was bool, status int) {
	order, is := os.LookupEnv(childEnv)
	if !is {
		return false, 0
	}
	dsn, schema, _ := strings.Cut(order, "\n")
	if err := work(context.Background(), dsn, schema); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	return true, 0
}

// work claims counters, counts each on, and writes down each count in the same write. It tells what was acknowledged, and
// never ends by itself.
func work(ctx context.Context, dsn, schema string) error {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	s, err := postgres.New(pool, postgres.Options{Schema: schema, StatementTimeout: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	for {
		c, err := s.Claim(ctx, storage.Claim{Kinds: []string{"counter"}, Limit: 3, Lease: 50 * time.Millisecond})
		if err != nil {
			fmt.Fprintln(os.Stderr, "claiming:", err)
			continue
		}
		for _, r := range c.Records {
			n, err := strconv.Atoi(string(r.Data))
			if err != nil {
				return err
			}
			r.Data, r.Wake = []byte(strconv.Itoa(n+1)), c.Now
			entry := storage.Record{RecordKey: storage.RecordKey{Kind: "entry", Tenant: r.ID, ID: fmt.Sprintf("%08d", n+1)}, Data: []byte(strconv.Itoa(os.Getpid()))}
			switch err := s.Commit(ctx, storage.Write{Put: []storage.Record{r, entry}}); {
			case err == nil:
				_, _ = fmt.Fprintln(os.Stdout, "counted", r.ID, n+1)
			case !errors.Is(err, storage.ErrConflict):
				fmt.Fprintln(os.Stderr, "counting:", err)
			}
		}
	}
}
