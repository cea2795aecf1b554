package runner_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// slowKeys is a keymaker that takes until it is let go, and counts how many are at work at once.
type slowKeys struct {
	keymaker
	open             chan struct{}
	made, busy, most atomic.Int64
}

func (m *slowKeys) Pair(o abmtoken.KeyOptions) (abmtoken.KeyPair, error) {
	for now := m.busy.Add(1); ; {
		most := m.most.Load()
		if now <= most || m.most.CompareAndSwap(most, now) {
			break
		}
	}
	defer m.busy.Add(-1)
	<-m.open
	m.made.Add(1)
	m.next.CompareAndSwap(100, 0) // the same few again will do
	return m.keymaker.Pair(o)
}

// A thousand people download certificates at once, and each key pair takes ages. Only as many cores are kept busy as were
// given for it, everybody else's calls go on at once, and in the end each has a certificate.
func TestThreat21_AThousandCertificatesAtOnce(t *testing.T) {
	people, cores := 1000, 2
	if raceDetector || testing.Short() {
		people = 200
	}
	somePrimes()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		keys := &slowKeys{open: make(chan struct{})}
		h.config.KeyWorkers = cores
		h.config.Workers = 8
		r, err := runner.New(h.config)
		require.NoError(t, err)
		r.MakeKeysWith(keys.Pair)
		acme := r.Tenant("acme")
		renewals := make([]enrollment.RenewalID, people)
		for i := range renewals {
			s, err := acme.AddServer(ctx(t), tech, runner.NewServer{ID: enrollment.ServerID(fmt.Sprint("srv_", i)), Name: "MDM"})
			require.NoError(t, err)
			run, err := acme.StartRenewal(ctx(t), tech, s.ID)
			require.NoError(t, err)
			renewals[i] = run.ID
		}
		var crowd sync.WaitGroup
		var waiting, served atomic.Int64
		for _, id := range renewals {
			crowd.Go(func() {
				_, err := acme.Certificate(ctx(t), tech, id)
				switch {
				case err == nil:
					served.Add(1)
				case errors.Is(err, &enrollment.Problem{Code: enrollment.CodeStillWorking}):
					waiting.Add(1)
				default:
					t.Errorf("certificate of %s: %v", id, err)
				}
			})
		}
		synctest.Wait()
		assert.EqualValues(t, cores, keys.busy.Load(), "no more than the cores that were given")

		// Time stands still here unless somebody waits, so a call that had to wait would show.
		began := time.Now()
		other := r.Tenant("beta")
		s, err := other.AddServer(ctx(t), tech, runner.NewServer{Name: "MDM"})
		require.NoError(t, err)
		_, err = other.StartRenewal(ctx(t), tech, s.ID)
		require.NoError(t, err)
		_, err = r.Servers(ctx(t), runner.ServerQuery{})
		require.NoError(t, err)
		_, err = r.Stats(ctx(t))
		require.NoError(t, err)
		_, err = other.UploadToken(ctx(t), tech, runner.Upload{Server: s.ID, File: reader([]byte("<html>"))})
		requireProblem(t, enrollment.CodeNotServerToken, err)
		_, err = r.RunDue(ctx(t), runner.Due{Kinds: []string{runner.KindServer}})
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "others wait for nobody's key")

		time.AfterFunc(time.Minute, func() { close(keys.open) })
		crowd.Wait()
		assert.EqualValues(t, people, waiting.Load()+served.Load())
		for ran := (runner.Ran{More: true}); ran.More; {
			ran, err = r.RunDue(ctx(t), runner.Due{})
			require.NoError(t, err)
			require.Zero(t, ran.Failed, "%s", h.log)
		}
		for _, id := range renewals {
			_, err := acme.Certificate(ctx(t), tech, id)
			require.NoError(t, err)
		}
		assert.EqualValues(t, cores, keys.most.Load())
		assert.LessOrEqual(t, keys.made.Load(), int64(people+cores), "each pair is made once, but for those that came too late")
	})
}
