package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/abmrenew/abmrenew/enrollment"
)

// process is what the program has from the operating system.
type process struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // a person watches err
	user     string
	now      func() time.Time
}

// command is one command of the program, its arguments filled in.
type command interface {
	// subject is what the command names, as far as it is known before it ran.
	subject() subject
	// do does it. The answer may be nil, and comes with an error where the command knows more than the error says.
	do(ctx context.Context, h *host) (answer, error)
}

// run is the whole program: it returns the exit status.
func run(ctx context.Context, args []string, p process) int {
	out := &stickyWriter{Writer: p.out}
	p.out, p.err = out, &turnsWriter{to: p.err}
	status := execute(ctx, args, p)
	if out.err != nil {
		fmt.Fprintln(p.err, "abmctl: the answer could not be written:", out.err)
		return max(status, 1)
	}
	return status
}

func execute(ctx context.Context, args []string, p process) int {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("abmctl"), kong.Description(description), kong.Writers(p.out, p.err),
		kong.Exit(func(int) { helped = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.TypeMapper(durationType, kong.MapperFunc(decodeDuration)), kong.TypeMapper(budgetType, kong.MapperFunc(decodeBudget)),
	)
	if err != nil {
		fmt.Fprintln(p.err, "abmctl:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	h := &host{flags: c.flags, process: p}
	switch {
	case helped:
		return 0
	case err != nil:
		h.JSON = h.JSON || slices.Contains(args, "--json")
		return h.usage(err)
	}
	cmd := parsed.Selected().Target.Addr().Interface().(command)
	ans, err := cmd.do(ctx, h)
	return h.finish(ctx, cmd.subject(), ans, err)
}

// usage answers a command line that is none.
func (h *host) usage(err error) int {
	problem := enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "the command line", "rule", err.Error())
	says := strings.Replace(err.Error(), `one of "",`, "one of ", 1) // that a flag may be left out is no news
	problem.Title, problem.Next = "This command line cannot be run: "+says, "See: abmctl --help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		problem.Next = "See: abmctl " + strings.TrimPrefix(parse.Context.Selected().FullPath(), "abmctl ") + " --help"
	}
	h.tell(problem)
	fmt.Fprint(h.err, usageText)
	if h.JSON {
		h.encode(failure{Problem: problem})
	}
	_, status := problem.Code.Status()
	return status
}

const description = "Renews Apple server tokens and push certificates, for every customer and without ever losing one; and moves devices when a server is lost."

const usageText = `
usage: abmctl [flags] COMMAND

  token keygen|inspect                key pairs and token files, without a store
  server add|list|show|check|retire   the servers whose tokens are renewed
  renew start|certificate|upload|confirm|show|cancel|recheck
  push import|list|show|check|retire  the push certificates, without which no command reaches a device
  push renew start|csr|upload|show|cancel|recheck
  adopt                               existing tokens and key pairs
  advise, steps                       what to do, and what to click at Apple's portal
  run --once|--every [--listen]       does what is due, and takes what the MDMs tell
  api-account add|list|show|check|remove
  devices sync|list, profile define|use|show
  migrate plan|list|show|moves|submit|approve|reject|start|pause|resume|cancel|cancel-all
  migrate exclude|skip|retry|cancel-device|replace|pin, batches|serials|recheck
  policy show|set|inherit, proposal list|approve|reject, approval text
  kill-switch on|off|show             stops every wipe
  audit show|verify|checkpoint        who did what
  keys rotate, offboard               the keys of the store, the end of a tenant

abmctl COMMAND --help says more.
`
