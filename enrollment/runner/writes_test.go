package runner_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// countingStore counts what a durable store has to wait for its disk for.
type countingStore struct {
	storage.Store
	writes []string
}

func (s *countingStore) Commit(ctx context.Context, w storage.Write) error {
	s.writes = append(s.writes, "commit")
	return s.Store.Commit(ctx, w)
}

func (s *countingStore) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	if len(claimed.Records) > 0 {
		s.writes = append(s.writes, "claim")
	}
	return claimed, err
}

// A person waits for each of these: the candidate is stored, its renewal leased, and the token put in use.
func TestAnUploadIsThreeDurableWrites(t *testing.T) {
	h := newHost(t)
	store := &countingStore{Store: h.store}
	h.restart(store)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	file := s.download()
	store.writes = nil
	_, err := s.c.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: file})
	require.NoError(t, err)
	assert.Equal(t, []string{"commit", "claim", "commit"}, store.writes)
}

// A record whose effect is being done stays leased, whether its machine had something to write first (a watch that begins
// to probe) or not (a renewal that has a candidate to be judged).
func TestARecordInHandIsLeftAlone(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	var meanwhile []int
	h.config.Verifier = busyVerifier{h.config.Verifier, func() {
		ran, err := h.RunDue(ctx(t), runner.Due{})
		if err != nil {
			t.Error(err)
		}
		meanwhile = append(meanwhile, ran.Claimed)
	}}
	var err error
	h.Runner, err = runner.New(h.config)
	require.NoError(t, err)
	_, err = h.Runner.Tenant("acme").UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: s.download()})
	require.NoError(t, err)
	require.Equal(t, []int{0}, meanwhile, "nobody else took the renewal")

	h.clock.Pass(48 * time.Hour)
	_, err = h.RunDue(ctx(t), runner.Due{})
	require.NoError(t, err)
	assert.Equal(t, []int{0, 0}, meanwhile, "nobody else took the server")
}

// A file that comes while another one is being judged is judged by the same worker next, and by nobody else.
func TestARecordThatChangedInHandIsLeasedAnew(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	first := s.download()
	h.clock.Pass(time.Hour)
	second := s.download()

	elsewhere := h.config
	elsewhere.SettleFor = -1 // only takes the file
	other, err := runner.New(elsewhere)
	require.NoError(t, err)
	asked := 0
	h.config.Verifier = busyVerifier{h.config.Verifier, func() {
		if asked++; asked == 1 {
			_, err := other.Tenant("acme").UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: second})
			requireProblem(t, enrollment.CodeStillWorking, err)
			return
		}
		// Of renewals: a probe of the server may have come due in 25 hours, or not.
		ran, err := other.RunDue(ctx(t), runner.Due{Kinds: []string{runner.KindRenewal}})
		require.NoError(t, err)
		assert.Zero(t, ran.Claimed)
	}}
	h.Runner, err = runner.New(h.config)
	require.NoError(t, err)
	view, err := h.Runner.Tenant("acme").UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: first})
	require.NoError(t, err)
	assert.EqualValues(t, "completed", view.State)
	assert.Equal(t, 2, asked)
}

// busyVerifier lets something happen while Apple is asked.
type busyVerifier struct {
	abmtoken.Verifier
	meanwhile func()
}

func (v busyVerifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	v.meanwhile()
	return v.Verifier.Account(ctx, token)
}
