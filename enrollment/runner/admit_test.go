package runner_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

// queue is a store that sees in which order records are claimed, and can fail at one claim.
type queue struct {
	storage.Store
	claimed []storage.Record
	claims  int
	fails   int // at which claim
}

func (q *queue) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	if q.claims++; q.claims == q.fails {
		return storage.Claimed{}, storagetest.ErrInjected
	}
	got, err := q.Store.Claim(ctx, c)
	q.claimed = append(q.claimed, got.Records...)
	return got, err
}

func (q *queue) of(kind string) (n int) {
	for _, r := range q.claimed {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

// crowd has n devices of one tenant due at once, and then a renewal of each of so many others.
func (h *host) crowd(n, others int) *queue {
	h.t.Helper()
	h.config.SettleFor = -1
	h.listed(n)
	q := storage.Query{Kind: runner.KindMove, Tenant: "acme", Limit: storage.MaxPage}
	for due := 0; due < n; {
		page, err := h.store.List(ctx(h.t), q)
		require.NoError(h.t, err)
		require.NotEmpty(h.t, page)
		q.After = page[len(page)-1].Position()
		for i := range page {
			page[i].Wake = h.clock.Now()
		}
		require.NoError(h.t, h.store.Commit(ctx(h.t), storage.Write{Put: page}))
		due += len(page)
	}
	h.clock.Pass(time.Second)
	for i := range others {
		key, id := fmt.Sprintf("CK_other%d", i), enrollment.TenantID(fmt.Sprintf("other%03d", i))
		token := fmt.Sprintf(`{"consumer_key":%q,"consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, key)
		server := h.adopt(runner.Adoption{Tenant: id, Reference: "1", Name: "MDM", ServerUUID: key, Token: abmtoken.NewSecret(token)})[0].Server
		_, err := h.Tenant(id).StartRenewal(ctx(h.t), tech, server)
		require.NoError(h.t, err)
	}
	seen := &queue{Store: h.store}
	config := h.config
	config.Store = seen
	h.restartWith(config)
	return seen
}

// Threat 22: one tenant's devices are due by the thousand, all before every other tenant's renewal. Whoever takes what is due
// comes to the renewals all the same, and goes on with the devices.
func TestThreat22_DevicesDoNotHoldUpRenewals(t *testing.T) {
	t.Parallel()
	const devices, others = 5000, 50
	for _, limit := range []int{2, 100, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			q := h.crowd(devices, others)
			for q.of(runner.KindRenewal) < others {
				before := q.of(runner.KindMove)
				ran, err := h.RunDue(ctx(t), runner.Due{Limit: limit})
				require.NoError(t, err)
				require.Zero(t, ran.Failed, "%s", h.log)
				require.True(t, ran.More)
				require.Equal(t, limit, ran.Claimed, "nothing of the limit is left unused")
				require.GreaterOrEqual(t, q.of(runner.KindMove)-before, ran.Claimed/2, "the devices go on")
			}
			assert.LessOrEqual(t, q.of(runner.KindMove), 1000, "that were worked on before the last renewal")
			for more := true; more; {
				ran, err := h.RunDue(ctx(t), runner.Due{Limit: 1000})
				require.NoError(t, err)
				more = ran.More
			}
			assert.Equal(t, devices, q.of(runner.KindMove))
		})
	}
}

// What was claimed is worked on, though no more could be.
func TestAFurtherClaimMayFail(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	q := h.crowd(200, 1)
	q.fails = 2
	ran, err := h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, 50, ran.Claimed)
	assert.Zero(t, ran.Failed)
	assert.True(t, ran.More)
	assert.Contains(t, h.log.String(), "less was claimed than there is")
}

// heard is a person to notify.
type heard func(enrollment.Notice)

func (h heard) Notify(_ context.Context, n enrollment.Notice) error { h(n); return nil }

// What was claimed together begins with the credentials, because what is asked for a device may take its time.
func TestThreat22_CredentialsAreBegunFirst(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	m.few()
	m.drafted()
	_, err := m.tenant().SubmitPlan(ctx(t), tech, m.plan) // of which persons are to hear before anything else is due
	require.NoError(t, err)
	m.clock.Pass(28 * time.Hour)
	var order []string
	v := &questions{answer: func(context.Context, string) error { order = append(order, "probe"); return nil }}
	r := m.with(func(config *runner.Config) {
		config.Workers, config.Verifier = 1, v
		config.Notifier = heard(func(enrollment.Notice) { order = append(order, "notice") })
	})
	ran, err := r.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	require.Zero(t, ran.Failed, "%s", m.log)
	require.Contains(t, order, "notice")
	require.GreaterOrEqual(t, len(order), 3)
	assert.Equal(t, []string{"probe", "probe", "notice"}, order[:3])
}
