package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// calls counts what a store is asked for.
type calls struct {
	mu      sync.Mutex
	methods map[string]int
}

func (c *calls) around(store storage.Store) storage.Store {
	return storagetest.Intercept(store, storagetest.Hooks{Before: func(call storagetest.Call) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.methods == nil {
			c.methods = map[string]int{}
		}
		c.methods[call.Method]++
		return nil
	}})
}

func (c *calls) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.methods {
		n += times
	}
	return n
}

// tenants adopts n servers of as many tenants, whose tokens are due for their first probe at once.
func (h *host) tenants(n int) []*runner.Tenant {
	h.t.Helper()
	var all []*runner.Tenant
	for i := range n {
		id := enrollment.TenantID(fmt.Sprintf("t%d", i))
		key := fmt.Sprintf("CK_%d", i)
		token := fmt.Sprintf(`{"consumer_key":%q,"consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, key)
		h.adopt(runner.Adoption{Tenant: id, Reference: "1", Name: "MDM", ServerUUID: key, Token: abmtoken.NewSecret(token)})
		all = append(all, h.Tenant(id))
	}
	h.clock.Pass(25 * time.Hour)
	return all
}

// probed says of how many tenants' servers Apple's answer is stored.
func probed(t *testing.T, all []*runner.Tenant) (n int) {
	for _, tenant := range all {
		list, err := tenant.Servers(ctx(t), runner.ServerQuery{})
		require.NoError(t, err)
		if list.Servers[0].Answer == enrollment.Accepted {
			n++
		}
	}
	return n
}

// A thousand tokens of as many tenants that are due for their probe are claimed, stepped, looked up and written in a few calls
// of the store: only Apple is asked about each by itself.
func TestAThousandProbesCostAFewCallsOfTheStore(t *testing.T) {
	t.Parallel()
	const n = 1000
	h := newHost(t)
	all := h.tenants(n)
	v, c := &questions{}, &calls{}
	r := h.with(func(config *runner.Config) { config.Verifier, config.Store = v, c.around(h.store) })
	ran, err := r.RunDue(ctx(t), runner.Due{Limit: n, Kinds: []string{runner.KindServer}})
	require.NoError(t, err)
	require.Equal(t, n, ran.Claimed)
	require.Zero(t, ran.Failed, "%s", h.log)
	assert.LessOrEqual(t, c.all(), 60, "%v; one for each record would be a thousand", c.methods)
	assert.Len(t, v.tokens, n, "each token was asked about")
	assert.Equal(t, n, probed(t, all))
}

// What others change meanwhile is decided anew, and holds up nobody else; and nobody is asked twice.
func TestAConflictOfOneRecordIsItsOwn(t *testing.T) {
	t.Parallel()
	const n = 50
	h := newHost(t)
	all := h.tenants(n)
	v, commits := &questions{}, 0
	r := h.with(func(config *runner.Config) {
		config.Verifier = v
		config.Store = storagetest.Intercept(h.store, storagetest.Hooks{Before: func(call storagetest.Call) error {
			if call.Method == "Commit" {
				if commits++; commits < 4 { // somebody is faster at one of them, each time
					list, err := all[commits].Servers(ctx(t), runner.ServerQuery{})
					require.NoError(t, err)
					_, err = all[commits].Quiet(ctx(t), tech, list.Servers[0].ID, h.clock.Now().Add(time.Hour))
					require.NoError(t, err)
				}
			}
			return nil
		}})
	})
	ran, err := r.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, n, ran.Claimed)
	assert.Zero(t, ran.Failed, "%s", h.log)
	assert.Equal(t, n, probed(t, all))
	for key, times := range v.tokens {
		assert.Equal(t, 1, times, key)
	}
	assert.Less(t, commits, 10, "the others are written together all the same")
}

// Where nobody knows whether a write for many happened, it is looked up for each: nothing is done twice, and nothing is lost.
func TestALostAnswerToAWriteForManyIsLookedUp(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, wrap := range map[string]func(storage.Store) storage.Store{
		"it happened": func(s storage.Store) storage.Store {
			return storagetest.FailAfterCommit(s, func(commit int) bool { return commit <= 2 })
		},
		"it did not": func(s storage.Store) storage.Store {
			commits := 0
			return storagetest.Intercept(s, storagetest.Hooks{Before: func(call storagetest.Call) error {
				if call.Method == "Commit" {
					if commits++; commits <= 2 {
						return storagetest.ErrInjected
					}
				}
				return nil
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			all := h.tenants(n)
			v := &questions{}
			r := h.with(func(config *runner.Config) { config.Verifier, config.Store = v, wrap(h.store) })
			ran, err := r.RunDue(ctx(t), runner.Due{})
			require.NoError(t, err)
			assert.Zero(t, ran.Failed, "%s", h.log)
			assert.Equal(t, n, probed(t, all))
			for key, times := range v.tokens {
				assert.Equal(t, 1, times, key)
			}
		})
	}
}

// A record that somebody has changed past this library is the only one that is not worked on.
func TestADamagedRecordAmongManyIsItsOwn(t *testing.T) {
	t.Parallel()
	const n = 20
	h := newHost(t)
	all := h.tenants(n)
	page, err := h.store.List(ctx(t), storage.Query{Kind: runner.KindServer, Tenant: "t7", Limit: 1})
	require.NoError(t, err)
	page[0].Data = bytes.Replace(page[0].Data, []byte(`"MDM"`), []byte(`"MDN"`), 1)
	require.NoError(t, h.store.Commit(ctx(t), storage.Write{Put: page}))
	h.config.Verifier = &questions{}
	h.restartWith(h.config)
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, n, ran.Claimed)
	assert.Equal(t, 1, ran.Failed)
	assert.Equal(t, n-1, probed(t, append(all[:7], all[8:]...)))
}

// An answer that takes long holds up the writing of no other.
func TestASlowAnswerHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const n = 10
	h := newHost(t)
	all := h.tenants(n)
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan struct{})
		h.config.Verifier = &questions{answer: func(ctx context.Context, key string) error {
			if key == "CK_3" {
				<-answered
			}
			return nil
		}}
		h.restartWith(h.config)
		ended := make(chan runner.Ran)
		go func() {
			ran, err := h.RunDue(t.Context(), runner.Due{})
			assert.NoError(t, err)
			ended <- ran
		}()
		<-time.After(time.Second)
		synctest.Wait()
		assert.Equal(t, n-1, probed(t, all))
		close(answered)
		assert.Zero(t, (<-ended).Failed)
		assert.Equal(t, n, probed(t, all))
	})
}
