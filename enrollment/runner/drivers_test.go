package runner_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// tally counts how often each effect was done.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *tally) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.times[what]++
}

type countedVerifier struct {
	abmtoken.Verifier
	*tally
}

func (v countedVerifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	v.note("account " + token.Fingerprint())
	return v.Verifier.Account(ctx, token)
}

type countedNotifier struct{ *tally }

func (n countedNotifier) Notify(_ context.Context, notice enrollment.Notice) error {
	n.note("notice " + notice.ID)
	return nil
}

// patiently repeats a call while the answer is that somebody else is at it.
func patiently(do func() error) error {
	for {
		err := do()
		if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeStillWorking}) &&
			!errors.Is(err, &enrollment.Problem{Code: enrollment.CodeConflict}) {
			return err
		}
	}
}

// Eight machines run what is due without pause while fifty pairs of people renew fifty servers: every renewal comes to its
// end, and nothing that is done outside is done twice.
func TestThreat05_EightMachinesFiftyServersTwoPeopleEach(t *testing.T) {
	const machines, servers = 8, 50
	h := newHost(t, storedOn(quick(t)))
	maker := &keymaker{}
	h.MakeKeysWith(maker.Pair)
	var all []*service
	for i := range servers {
		all = append(all, h.customer(fmt.Sprintf("t%d", i%5)).addServer(fmt.Sprintf("Server %d", i)))
	}
	h.clock.Pass(340 * 24 * time.Hour) // probes and reminders of all are due

	counts, pairs := &tally{}, atomic.Int64{}
	hosts := make([]*runner.Runner, machines)
	for i := range hosts {
		hosts[i] = h.with(func(c *runner.Config) {
			c.Verifier, c.Notifier = countedVerifier{c.Verifier, counts}, countedNotifier{counts}
		})
		hosts[i].MakeKeysWith(func(o abmtoken.KeyOptions) (abmtoken.KeyPair, error) { pairs.Add(1); return maker.Pair(o) })
	}
	done, stop := context.WithCancel(ctx(t))
	var drivers, people sync.WaitGroup
	for _, r := range hosts {
		drivers.Go(func() {
			for done.Err() == nil {
				ran, err := r.RunDue(ctx(t), runner.Due{Limit: 7})
				assert.NoError(t, err) //nolint:testifylint // on another goroutine
				assert.Zero(t, ran.Failed, "%s", h.log)
			}
		})
	}
	failed := make(chan error, servers)
	for i, s := range all {
		people.Go(func() { failed <- twoPeople(t, s, hosts[i%machines], hosts[(i+3)%machines]) })
	}
	people.Wait()
	stop()
	drivers.Wait()
	for range all {
		require.NoError(t, <-failed)
	}
	for what, times := range counts.times {
		assert.Equal(t, 1, times, what)
	}
	for _, s := range all {
		v := s.view()
		assert.EqualValues(t, 2, v.Token.Generation)
		assert.Len(t, v.Keys, 2)
		assert.Nil(t, v.LiveRun)
		assert.Equal(t, 1, counts.times["account "+v.Token.Fingerprint], "Apple judges a file once")
	}
	assert.EqualValues(t, servers, pairs.Load(), "one pair for each renewal")
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// twoPeople renew one server at the same time, on two machines, with one portal.
func twoPeople(t *testing.T, s *service, here, there *runner.Runner) error {
	var ids [2]enrollment.RenewalID
	var certs [2]runner.Certificate
	each := func(do func(i int, acme *runner.Tenant) error) error {
		var both sync.WaitGroup
		var errs [2]error
		for i, r := range []*runner.Runner{here, there} {
			both.Go(func() { errs[i] = patiently(func() error { return do(i, r.Tenant(s.c.ID())) }) })
		}
		both.Wait()
		return errors.Join(errs[:]...)
	}
	if err := each(func(i int, acme *runner.Tenant) error {
		v, err := acme.StartRenewal(ctx(t), tech, s.id)
		ids[i] = v.ID
		return err
	}); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if ids[0] != ids[1] {
		return fmt.Errorf("two renewals of one server: %v", ids)
	}
	if err := each(func(i int, acme *runner.Tenant) (err error) {
		certs[i], err = acme.Certificate(ctx(t), tech, ids[i])
		return err
	}); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if string(certs[0].PEM) != string(certs[1].PEM) {
		return errors.New("two certificates of one renewal")
	}
	if err := s.c.admin.ReplaceCertificate(s.apple, certs[0].PEM); err != nil {
		return err
	}
	file, _, err := s.c.admin.DownloadToken(s.apple)
	if err != nil {
		return err
	}
	return each(func(_ int, acme *runner.Tenant) error {
		_, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: reader(file)})
		return err
	})
}
