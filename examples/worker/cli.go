package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/alecthomas/kong"
)

// process is what the program has from the operating system.
type process struct {
	out, err io.Writer
	now      func() time.Time // the clock of this machine
	// present is the store's clock; nil, as in production: the database's.
	present func() time.Time
}

// settings may stand before or behind the command, or in the environment.
type settings struct {
	DSN     string     `name:"dsn" env:"ABMRENEW_DSN" placeholder:"URL" help:"The database. Better in the environment: other users of the machine see command lines."`
	Schema  string     `env:"ABMRENEW_SCHEMA" default:"abmrenew" placeholder:"NAME" help:"The schema of all tables (${default})."`
	Keyring string     `env:"ABMRENEW_KEYRING" default:"abmrenew.keyring" placeholder:"FILE" help:"The file of master keys, the same on every machine (${default})."`
	Conns   int32      `env:"ABMRENEW_CONNS" default:"16" placeholder:"N" help:"Connections to the database at most (${default})."`
	Log     slog.Level `env:"ABMRENEW_LOG" default:"info" placeholder:"LEVEL" help:"What is logged: debug, info, warn or error (${default})."`
}

// cli is every command.
type cli struct {
	settings
	Run     runCommand     `cmd:"" help:"Do what is due until interrupted."`
	Migrate migrateCommand `cmd:"" help:"Make the tables, or bring them to this version. Needs a role that may do so, and no pooler in between."`
	Keys    struct {
		Create keysCreate `cmd:"" help:"Make the file of master keys for an empty database."`
		Add    keysAdd    `cmd:"" help:"Put a new master key into the file, which then goes to every machine."`
		Rotate keysRotate `cmd:"" help:"Wrap with the newest master key, make new data keys, and seal everything anew."`
	} `cmd:"" help:"The keys that seal the database."`
	Audit struct {
		Checkpoint auditCheckpoint `cmd:"" help:"Print the end of the audit, to be kept elsewhere."`
		Verify     auditVerify     `cmd:"" help:"Check that no entry was changed, dropped or cut off."`
	} `cmd:"" help:"Who did what, and that nobody changed it since."`
}

// command is one command of the program, its arguments filled in.
type command interface {
	do(ctx context.Context, h *host) error
}

// execute is the whole program: it returns the exit status, 2 for a command line that is none and 1 for what failed.
func execute(ctx context.Context, args []string, p process) int {
	var c cli
	helped := false
	parser, err := kong.New(&c, kong.Name("worker"), kong.Writers(p.out, p.err), kong.Exit(func(int) { helped = true }),
		kong.Description("Does what is due for Apple server tokens, push certificates and moving devices, on many machines."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}))
	if err != nil {
		_, _ = fmt.Fprintln(p.err, "worker:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		_, _ = fmt.Fprintln(p.err, "worker:", err, "\nnext: see worker --help")
		return 2
	}
	h := &host{settings: c.settings, process: p}
	h.log = slog.New(slog.NewJSONHandler(p.err, &slog.HandlerOptions{Level: c.Log}))
	err = parsed.Selected().Target.Addr().Interface().(command).do(ctx, h)
	h.close()
	if err != nil {
		_, _ = fmt.Fprintln(p.err, "worker:", err)
		return 1
	}
	return 0
}
