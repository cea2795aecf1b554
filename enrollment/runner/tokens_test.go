package runner_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// The host's own client takes its credentials from the source: a refusal that it meets is known at once, before any probe,
// and a renewed token is used by the same client.
func TestTokenSourceOfAClient(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	client, err := dep.NewClient(s.c.Tokens(s.id), dep.Options{Transport: h.apple.Transport(), Now: h.clock.Now})
	require.NoError(t, err)
	_, err = client.Account(ctx(t))
	require.NoError(t, err)

	s.c.admin.ChangePassword()
	h.apple.ExpireSessions()
	h.clock.Pass(time.Minute)
	_, err = client.Account(ctx(t))
	require.ErrorIs(t, err, abmtoken.ErrRejected)
	v := s.view()
	assert.Equal(t, enrollment.Rejected, v.Health, "without a probe of our own")
	assert.Equal(t, "token_rejected", v.Reason)
	h.pass(0)
	last := h.inbox.all()[len(h.inbox.all())-1]
	assert.Equal(t, enrollment.NoticeRejected, last.Kind)
	assert.Contains(t, last.Problem.Next, "it@acme.example")

	_, err = s.upload(s.file())
	require.NoError(t, err)
	_, err = client.Account(ctx(t))
	require.NoError(t, err)
}

// What says nothing about the token, or is about an older one, changes nothing; an acceptance that is known is not written.
func TestAnsweredWritesOnlyNews(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	source := s.c.Tokens(s.id)
	old, err := source.Token(ctx(t))
	require.NoError(t, err)
	h.clock.Pass(10 * time.Minute)
	before := dumpOf(t, h.store)
	for _, answer := range []error{nil, errors.New("timeout"), context.Canceled, abmtoken.ErrAccessDenied} {
		require.NoError(t, source.Answered(ctx(t), old, answer))
	}
	assert.Equal(t, before, dumpOf(t, h.store))

	_, err = s.upload(s.file())
	require.NoError(t, err)
	require.NoError(t, source.Answered(ctx(t), old, abmtoken.ErrRejected))
	assert.Equal(t, enrollment.Active, s.view().Health, "a late answer to the older token")
	current, err := source.Token(ctx(t))
	require.NoError(t, err)
	require.NoError(t, source.Answered(ctx(t), current, fmt.Errorf("listing devices: %w", abmtoken.ErrTermsPending)))
	assert.Equal(t, enrollment.TermsPending, s.view().Health)
	require.NoError(t, source.Answered(ctx(t), current, nil))
	assert.Equal(t, enrollment.Active, s.view().Health)

	bare := s.c.newServer("No token yet")
	_, err = s.c.Tokens(bare.id).Token(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
	requireProblem(t, enrollment.CodeNotFound, s.c.Tokens("srv_nobody").Answered(ctx(t), current, nil))
}

// transaction is a host's own database transaction: writes are kept back until it commits.
type transaction struct {
	storage.Store
	mu     sync.Mutex
	writes []storage.Write
	claims int
}

func (x *transaction) Commit(_ context.Context, w storage.Write) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writes = append(x.writes, w)
	return nil
}

func (x *transaction) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.Limit > 0 {
		x.claims++
	}
	return x.Store.Claim(ctx, c)
}

// A fact in the host's transaction is part of it: nothing happens if the host rolls back, all of it if it commits, and in
// between nothing is claimed and nobody is asked.
func TestFactInTheHostsTransaction(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	used := s.view().Token.Fingerprint
	h.clock.Pass(time.Minute)
	before, requests := dumpOf(t, h.store), len(h.apple.Requests())

	rolledBack := &transaction{Store: h.store}
	require.NoError(t, h.In(rolledBack).TokenAnswered(ctx(t), "acme", s.id, used, abmtoken.ErrRejected))
	require.Len(t, rolledBack.writes, 1)
	assert.Equal(t, before, dumpOf(t, h.store))

	committed := &transaction{Store: h.store}
	require.NoError(t, h.In(committed).TokenAnswered(ctx(t), "acme", s.id, used, abmtoken.ErrRejected))
	require.NoError(t, h.store.Commit(ctx(t), committed.writes[0]))
	assert.Equal(t, enrollment.Rejected, s.view().Health)
	assert.Zero(t, committed.claims)
	assert.Len(t, h.apple.Requests(), requests)

	quiet := &transaction{Store: h.store}
	require.NoError(t, h.In(quiet).TokenAnswered(ctx(t), "acme", s.id, "another", abmtoken.ErrRejected))
	require.NoError(t, h.In(quiet).TokenAnswered(ctx(t), "acme", s.id, used, errors.New("timeout")))
	assert.Empty(t, quiet.writes)
	requireProblem(t, enrollment.CodeNotFound, h.In(quiet).TokenAnswered(ctx(t), "beta", s.id, used, abmtoken.ErrRejected))
}

// meteredKeys is a key service that counts how often it is asked.
type meteredKeys struct {
	*seal.Keyring
	asked int
}

func (m *meteredKeys) Unwrap(ctx context.Context, keyID string, wrapped, label []byte) ([]byte, error) {
	m.asked++
	return m.Keyring.Unwrap(ctx, keyID, wrapped, label)
}

// Within a transaction no key is fetched: without warming it says so, after warming it works.
func TestTransactionWantsWarmKeys(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	used := s.view().Token.Fingerprint
	keys := &meteredKeys{Keyring: h.keys}
	sealer, err := seal.New(h.store, keys, seal.Options{})
	require.NoError(t, err)
	h.config.Sealer = sealer
	h.restartWith(h.config)
	fact := func() error {
		return h.In(h.store).TokenAnswered(ctx(t), "acme", s.id, used, abmtoken.ErrRejected)
	}
	asked := keys.asked
	requireProblem(t, enrollment.CodeKeyUnavailable, fact())
	assert.Equal(t, asked, keys.asked, "the key service was not asked")
	require.NoError(t, h.Warm(ctx(t), "acme"))
	asked = keys.asked
	require.NoError(t, fact())
	assert.Equal(t, asked, keys.asked)
	assert.Equal(t, enrollment.Rejected, s.view().Health)
}

// The token may be replaced between the two reads of a source; it never gives half of it.
func TestSourceDuringRenewals(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	source := s.c.Tokens(s.id)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				token, err := source.Token(ctx(t))
				if !assert.NoError(t, err) || !assert.NotEmpty(t, token.ConsumerKey()) { //nolint:testifylint // not the test's own goroutine
					return
				}
			}
		})
	}
	for range 5 {
		h.clock.Pass(time.Hour)
		_, err := s.upload(s.file())
		require.NoError(t, err)
	}
	close(stop)
	wait.Wait()
}
