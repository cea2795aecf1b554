package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// calendar is a clock whose days can be turned.
type calendar struct {
	mu  sync.Mutex
	now time.Time
}

// Now is a moment later each time, as on any clock.
func (c *calendar) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func (c *calendar) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open starts the host's program: it opens the store file and plugs everything together. Nothing is remembered from before
// but what is in the file and in its keyring.
func (s *story) open(ctx context.Context, settleFor time.Duration) error {
	store, err := bolt.Open(s.path, bolt.Options{Now: s.calendar.Now})
	if err != nil {
		return err
	}
	s.store = store
	keys, err := seal.OpenKeyringFor(ctx, s.path+".keyring", store)
	if err != nil {
		return err
	}
	sealer, err := seal.New(store, keys, seal.Options{Now: s.calendar.Now})
	if err != nil {
		return err
	}
	verifier, err := dep.NewVerifier(dep.Options{Transport: s.apple.Transport(), Now: s.calendar.Now})
	if err != nil {
		return err
	}
	push, err := apnshttp.New(apnshttp.Options{Dial: s.apple.Push().Dial, RootCAs: s.apple.Push().Roots(), Now: s.calendar.Now})
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{
		Store: store, Sealer: sealer, Verifier: verifier, Notifier: mailbox{s}, SettleFor: settleFor,
		PushProber: &apnshttp.Prober{Client: push},
	})
	if err != nil {
		return err
	}
	s.runner, s.acme = r, r.Tenant("acme")
	return nil
}

// close ends the program: the file is closed, and all that was in memory is gone.
func (s *story) close() error {
	store := s.store
	s.store, s.runner, s.acme = nil, nil, nil
	if store == nil {
		return errors.New("the program was not running")
	}
	return store.Close()
}

// crash is what it says: the program ends, and another one begins from what is on the disk.
func (s *story) crash(ctx context.Context, settleFor time.Duration, when string) error {
	if err := s.close(); err != nil {
		return err
	}
	s.say("  ** the program dies %s: store closed, memory gone; a new one opens the file **", when)
	return s.open(ctx, settleFor)
}

// mailbox is where notices go.
type mailbox struct{ s *story }

func (m mailbox) Notify(_ context.Context, n enrollment.Notice) error {
	if n.Kind == enrollment.NoticeExpiry && !n.Cleared {
		m.s.mail = append(m.s.mail, fmt.Sprintf("%d days left", n.Days))
	}
	return nil
}
