package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// waiting shows a person what the program waits for, until the function that it returns is called.
func (h *host) waiting(what string) (done func()) {
	if !h.terminal || h.Quiet {
		return func() {}
	}
	began := time.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		fmt.Fprintf(h.err, "%s ...", what)
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(h.err, "\r%s ... %ds", what, int(time.Since(began).Seconds()))
			case <-stop:
				fmt.Fprint(h.err, "\r\x1b[K")
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
}

// noticeBoard writes notices where the person, or the log of the scheduler, sees them.
type noticeBoard struct{ h *host }

func (b noticeBoard) Notify(_ context.Context, n enrollment.Notice) error {
	if b.h.Quiet {
		return nil
	}
	what, subject, credential := string(n.Kind), "server "+string(n.Server), "token"
	switch {
	case n.Plan != "":
		subject = "plan " + string(n.Plan)
	case n.Push != "":
		subject, credential = "push "+string(n.Push), "push certificate"
	}
	switch {
	case n.Cleared:
		what += ": settled"
	case n.Kind == enrollment.NoticeExpiry:
		what = fmt.Sprintf("the %s expires in %d days, on %s", credential, n.Days, day(n.ExpiresAt))
		if n.Days < 0 {
			what = fmt.Sprintf("the %s expired on %s", credential, day(n.ExpiresAt))
		}
	case n.Problem != nil:
		what += ": " + n.Problem.Error()
	}
	_, err := fmt.Fprintf(b.h.err, "notice: tenant %s, %s: %s\n", n.Tenant, subject, what)
	return err
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
