package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type runDue struct {
	Once  bool     `xor:"when" required:"" help:"Do what is due now, then end."`
	Every duration `xor:"when" required:"" placeholder:"30s" help:"Go on until interrupted, looking at least this often."`
	listenFlags
}

// Help is shown with --help.
func (*runDue) Help() string {
	return `One of --once and --every is needed. Nothing happens between runs: call it with --once from a scheduler every minute
or so, or leave it running with --every. Reminders are lines on standard error that begin with "notice:".

Devices that move are seen by what their MDMs tell: start the old NanoMDM with -webhook-url http://127.0.0.1:PORT/old and the
new one with .../new, both with the same -webhook-hmac-key as --webhook-key here. Wipes leave through --nanomdm-url. Other
commands may run meanwhile.`
}

func (*runDue) subject() subject { return subject{ID: "run"} }

type ran struct {
	subject
	Claimed int       `json:"claimed"`
	Failed  int       `json:"failed"`
	Next    time.Time `json:"next,omitzero"` // when something is due next
}

func (a ran) text(w io.Writer) {
	fmt.Fprintf(w, "%d done", a.Claimed-a.Failed)
	if a.Failed > 0 {
		fmt.Fprintf(w, ", %d failed", a.Failed)
	}
	if !a.Next.IsZero() {
		fmt.Fprintf(w, ", next at %s", a.Next.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(w)
}

func (c *runDue) do(ctx context.Context, h *host) (answer, error) {
	if !c.Once && (c.Every < duration(time.Second) || c.Every > duration(24*time.Hour)) {
		return nil, wrong("every", "from 1s to 1d")
	}
	why := writes
	if c.Once {
		why = reads
	}
	if c.Once && c.Listen != "" {
		return nil, wrong("listen", "given beside --every, not --once")
	}
	listener, err := c.listener()
	if err != nil {
		return nil, err
	}
	if listener != nil {
		defer listener.Close()
	}
	if err := h.open(ctx, why); err != nil {
		return nil, err
	}
	if h.nanomdm != nil {
		h.clock.ask(ctx, h.DEPURL) // no wipe leaves before it is known how right our clock is
	}
	if !c.Once {
		return ran{subject: c.subject()}, c.forever(ctx, h, listener)
	}
	total := ran{subject: c.subject()}
	defer h.waiting("Doing what is due")()
	for {
		once, err := h.lib.RunDue(ctx, runner.Due{})
		total.Claimed, total.Failed, total.Next = total.Claimed+once.Claimed, total.Failed+once.Failed, once.Next
		if err != nil {
			return total, err
		}
		if !once.More && once.Claimed == once.Failed { // what was done may have made more due
			break
		}
	}
	if total.Failed > 0 {
		problem := enrollment.NewProblem(enrollment.CodeInternal)
		problem.Title = fmt.Sprintf("%d of %d things could not be done now", total.Failed, total.Claimed)
		problem.Next = "The log above says why; they are due again in a minute"
		return total, problem
	}
	return total, nil
}

// forever does what is due until the context ends, and listens meanwhile.
func (c *runDue) forever(ctx context.Context, h *host, listener net.Listener) error {
	h.hint("Doing what is due, at least every %v; end with Ctrl-C", c.Every)
	if listener == nil {
		_ = h.lib.Run(ctx, time.Duration(c.Every)) // it ends with the context, and that is how this ends well
		return nil
	}
	handler, err := h.webhook(c.listenFlags)
	if err != nil {
		return err
	}
	h.hint("Listening for NanoMDM's webhook on http://%v/old and /new", listener.Addr())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var serving sync.WaitGroup
	var broke error
	serving.Go(func() {
		defer cancel() // without events devices are not seen: then it is better to end, and be started again
		broke = serve(ctx, listener, handler, keepWithin)
	})
	_ = h.lib.Run(ctx, time.Duration(c.Every))
	serving.Wait()
	return broke
}
