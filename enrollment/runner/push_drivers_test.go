package runner_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Six machines run what is due while pairs of people renew the push certificates of eight tenants: one key, one question to
// Apple for each file, one push certificate for each tenant.
func TestThreat05_ManyMachinesAndTwoPeopleForEachPushCertificate(t *testing.T) {
	const machines, tenants = 6, 8
	h := newPushHost(t)
	var all []*customer
	for i := range tenants {
		all = append(all, h.customer(fmt.Sprintf("t%d", i)))
	}
	for i, c := range all[:tenants/2] { // the others get their first one
		c.importPush(fmt.Sprintf("com.apple.mgmt.External.%d", i), i, 20)
	}
	counts := &tally{}
	asks := h.config.PushProber
	hosts := make([]*runner.Runner, machines)
	keys := make(chan int, 1000)
	for i := range cap(keys) {
		keys <- i
	}
	for i := range hosts {
		hosts[i] = h.with(func(c *runner.Config) {
			c.PushProber, c.Notifier = tallyProber{asks, counts}, countedNotifier{counts}
		})
		hosts[i].MakePushKeysWith(func() (apns.Key, error) { counts.note("key"); return pushKey(10 + <-keys), nil })
	}
	done, stop := context.WithCancel(ctx(t))
	drivers := make(chan error, machines)
	for _, r := range hosts {
		go func() {
			for done.Err() == nil {
				if ran, err := r.RunDue(ctx(t), runner.Due{Limit: 3}); err != nil || ran.Failed > 0 {
					drivers <- fmt.Errorf("%d failed: %w", ran.Failed, err)
					return
				}
			}
			drivers <- nil
		}()
	}
	people := make(chan error, tenants)
	for i, c := range all {
		go func() { people <- twoPeoplePush(t, c, hosts[i%machines], hosts[(i+3)%machines]) }()
	}
	for range all {
		require.NoError(t, <-people)
	}
	stop()
	for range hosts {
		require.NoError(t, <-drivers, "%s", h.log)
	}
	assert.Equal(t, tenants, counts.times["key"], "one key for each renewal")
	for i, c := range all {
		view := c.push()
		assert.Equal(t, 1, counts.times["asked "+view.Certificate.Fingerprint], "Apple judges a file once")
		if i < tenants/2 {
			assert.EqualValues(t, 2, view.Certificate.Generation)
		}
	}
	for what, times := range counts.times {
		if strings.HasPrefix(what, "notice") {
			assert.Equal(t, 1, times, what)
		}
	}
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// tallyProber counts how often Apple is asked about each certificate.
type tallyProber struct {
	apns.Prober
	*tally
}

func (p tallyProber) Probe(ctx context.Context, c apns.Certificate) (apns.Answer, error) {
	p.note("asked " + c.Fingerprint())
	return p.Prober.Probe(ctx, c)
}

// twoPeoplePush renew one push certificate at the same time, on two machines, with one portal.
func twoPeoplePush(t *testing.T, c *customer, here, there *runner.Runner) error {
	both := func(do func(tenant *runner.Tenant) error) error {
		errs := make(chan error, 2)
		for _, r := range []*runner.Runner{here, there} {
			go func() { errs <- patiently(func() error { return do(r.Tenant(c.ID())) }) }()
		}
		for range 2 {
			if err := <-errs; err != nil {
				return err
			}
		}
		return nil
	}
	ids := make(chan enrollment.RenewalID, 2)
	if err := both(func(tenant *runner.Tenant) error {
		v, err := tenant.StartPushRenewal(ctx(t), tech)
		if err == nil {
			ids <- v.ID
		}
		return err
	}); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	id := <-ids
	if other := <-ids; id != other {
		return fmt.Errorf("two renewals of one push certificate: %s and %s", id, other)
	}
	requests := make(chan []byte, 2)
	if err := both(func(tenant *runner.Tenant) error {
		r, err := tenant.PushRequest(ctx(t), tech, id, nil)
		if err == nil {
			requests <- r.PEM
		}
		return err
	}); err != nil {
		return fmt.Errorf("requests: %w", err)
	}
	topic := ourTopic
	if view, err := here.Tenant(c.ID()).Push(ctx(t)); err == nil && view.Certificate != nil {
		topic = view.Certificate.Topic
	}
	file := c.h.issueFor(t, <-requests, topic)
	return both(func(tenant *runner.Tenant) error {
		return second(tenant.UploadPush(ctx(t), tech, id, reader(file)))
	})
}
