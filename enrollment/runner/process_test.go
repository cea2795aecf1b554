package runner_test

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// A crossing is a moment at which a process touches the world outside: right before a call of the store or of a port, or
// right after it.
type crossing struct {
	call string // "Get", "GetMany", "Commit", "Claim", "Now", "List", "Count", "make_key", "verify", "check_push", "make_push_key",
	// "probe_push", "notify"
	after bool
	write *storage.Write // of a Commit
	err   error          // what the call ended with, after it
}

// changes says whether the call changes something outside, or asks somebody outside.
func (c crossing) changes() bool {
	switch c.call {
	case "Get", "GetMany", "List", "Count", "Now":
		return false
	}
	return true
}

// A fate decides at each crossing what happens there. [errKilled] ends the process at that very place; any other error is
// what the call fails with: before it was made, or after it was, as if its answer were lost.
type fate func(crossing) error

var errKilled = errors.New("test: killed")

// process is one life of a host. Once killed, none of its goroutines gets past another crossing: nothing more of it
// happens, as with kill -9.
type process struct {
	mu   sync.Mutex
	dead bool
	fate fate
	// soft: what a dead process still does fails, instead of its goroutines ending. Nothing of it is seen outside either, and none
	// of them waits for another for ever, which a bubble does not take.
	soft bool
}

func (p *process) cross(c crossing) error {
	p.mu.Lock()
	err := errKilled
	if !p.dead {
		err = nil
		if p.fate != nil {
			err = p.fate(c)
		}
		p.dead = errors.Is(err, errKilled)
	}
	p.mu.Unlock()
	if errors.Is(err, errKilled) && !p.soft {
		runtime.Goexit()
	}
	return err
}

// run does something in the process. It reports whether the process lived to see the end of it.
func (p *process) run(do func() error) (err error, lived bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = do()
		p.mu.Lock()
		defer p.mu.Unlock()
		lived = !p.dead // another goroutine may have met the end
	}()
	<-done
	p.mu.Lock()
	defer p.mu.Unlock()
	return err, lived && !(p.soft && p.dead)
}

// around puts a process around a store.
func (p *process) around(store storage.Store) storage.Store {
	return clockStore{p, store, storagetest.Intercept(store, storagetest.Hooks{
		Before: func(c storagetest.Call) error { return p.cross(crossing{call: c.Method, write: c.Write}) },
		After: func(c storagetest.Call, err error) error {
			if failed := p.cross(crossing{call: c.Method, write: c.Write, after: true, err: err}); failed != nil {
				return failed
			}
			return err
		},
	})}
}

// clockStore tells the claims that only ask for the time from those that lease.
type clockStore struct {
	*process
	below storage.Store
	storage.Store
}

func (s clockStore) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if c.Limit > 0 {
		return s.Store.Claim(ctx, c)
	}
	return port(s.process, "Now", func() (storage.Claimed, error) { return s.below.Claim(ctx, c) })
}

// port makes one call of a port.
func port[T any](p *process, call string, do func() (T, error)) (T, error) {
	var none T
	if err := p.cross(crossing{call: call}); err != nil {
		return none, err
	}
	got, err := do()
	if failed := p.cross(crossing{call: call, after: true, err: err}); failed != nil {
		return none, failed
	}
	return got, err
}

type mortalVerifier struct {
	*process
	abmtoken.Verifier
}

func (m mortalVerifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	return port(m.process, "verify", func() (abmtoken.Account, error) { return m.Verifier.Account(ctx, token) })
}

type mortalChecker struct {
	*process
	apns.Checker
}

func (m mortalChecker) Check(ctx context.Context, tenant string) (apns.Report, error) {
	return port(m.process, "check_push", func() (apns.Report, error) { return m.Checker.Check(ctx, tenant) })
}

type mortalProber struct {
	*process
	apns.Prober
}

func (m mortalProber) Probe(ctx context.Context, c apns.Certificate) (apns.Answer, error) {
	return port(m.process, "probe_push", func() (apns.Answer, error) { return m.Prober.Probe(ctx, c) })
}

type mortalNotifier struct {
	*process
	enrollment.Notifier
}

func (m mortalNotifier) Notify(ctx context.Context, n enrollment.Notice) error {
	_, err := port(m.process, "notify", func() (struct{}, error) { return struct{}{}, m.Notifier.Notify(ctx, n) })
	return err
}
