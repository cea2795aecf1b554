// Command embed is abmrenew inside of an existing RMM. Package rmm is that RMM, as it was before: its tables in PostgreSQL,
// its login, jobs, queue of commands and MDM events. What was added is here: wiring.go and handlers.go plug the library in;
// ports.go and records.go say in its words what the RMM has. README.md goes through it step by step.
//
//	go run ./examples/embed
//
// tells a story over both against the fake Apple: it adopts tokens, renews one, moves devices and erases some of them, and
// throws the kill switch. It starts a PostgreSQL server of its own, or takes the database of --dsn or ABMRENEW_TEST_DSN, in two
// schemas that it removes at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// settings are what differs between production and a test.
type settings struct {
	schema     string            // of abmrenew's tables, beside the RMM's
	masterKeys string            // from the RMM's secret manager; see seal.EnvKeyring
	apple      http.RoundTripper // to Apple; nil in production
	push       apnshttp.Options  // zero in production
	now        func() time.Time  // nil in production: the database's clock, which all processes share
}

// agent is how the RMM names itself to Apple.
const agent = "AcmeRMM/7.1"

func main() {
	dsn := flag.String("dsn", os.Getenv("ABMRENEW_TEST_DSN"), "the database; empty: a server of its own")
	flag.Parse()
	if err := embed(context.Background(), os.Stdout, *dsn, pgserver.Make); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// embed tells the story to w, in the database of a DSN or on a server that it makes.
func embed(ctx context.Context, w io.Writer, dsn string, newServer func() (*pgserver.Server, error)) error {
	if dsn == "" {
		server, err := newServer()
		if err != nil {
			return fmt.Errorf("PostgreSQL 14 or later is missing (%w): install it, with apt-get install postgresql for instance, "+
				"or name a database with --dsn or ABMRENEW_TEST_DSN", err)
		}
		defer server.Remove()
		if err := server.Start(pgserver.Quick...); err != nil {
			return err
		}
		dsn = server.DSN()
	}
	return tell(ctx, w, dsn)
}
