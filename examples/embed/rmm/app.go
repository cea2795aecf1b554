// Package rmm is a small RMM as vendors have them: customers, technicians who log in, devices with a queue of commands, what
// its MDM hears of devices, tickets, jobs, and the server tokens of its customers in a table. It was there before abmrenew,
// knows nothing of it, and imports nothing of it; how the two come together is in the folder above.
package rmm

import (
	"context"
	"crypto/cipher"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are the configuration of a process.
type Options struct {
	Pool   *pgxpool.Pool
	Log    *slog.Logger
	Now    func() time.Time
	Secret []byte // 32 bytes: the key of what is sealed in the tables
	MDMKey string // by which our MDM clusters sign in to the device endpoints
	// PasswordRounds is how costly it is to try a password; zero: as costly as is advised.
	PasswordRounds int
	// Unlock sends a bypass code to Apple.
	Unlock func(ctx context.Context, serial, code string) error
}

// App is the RMM in one process. Any number of processes share the database.
type App struct {
	Options
	vault cipher.AEAD
	mux   *http.ServeMux
	jobs  []*job
	heard []Listener
}

// New makes the RMM. Its tables are made by [App.Migrate].
func New(o Options) (*App, error) {
	vault, err := newVault(o.Secret)
	if err != nil {
		return nil, err
	}
	a := &App{Options: o, vault: vault, mux: http.NewServeMux()}
	a.mux.HandleFunc("POST /login", a.serveLogin)
	a.mux.HandleFunc("POST /mdm/{mdm}/{customer}/events", a.serveEvent)
	a.mux.HandleFunc("POST /mdm/{mdm}/{customer}/devices/{udid}/next", a.serveNext)
	a.mux.HandleFunc("GET /mdm/{mdm}/waiting", a.serveWaiting)
	a.Handle("GET /customers/{customer}/devices", Technicians, a.listDevices)
	a.Every("old sessions", time.Hour, a.endSessions)
	return a, nil
}

// ServeHTTP serves technicians and MDM clusters.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// AddCustomer adds a customer, or renames it.
func (a *App) AddCustomer(ctx context.Context, id, name string) error {
	_, err := a.Pool.Exec(ctx, `INSERT INTO customers (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $2`, id, name)
	return err
}

// within does something in one transaction.
func (a *App) within(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, a.Pool, do)
}

// found turns "no rows" into an error of ours.
func found(err, missing error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return missing
	}
	return err
}
