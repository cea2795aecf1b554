package appletest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// Eight clients of one service, while somebody turns every knob. The race detector watches.
func TestEightClientsWhileKnobsAreTurned(t *testing.T) {
	s := newShop(t, appletest.Options{})
	serials := s.buy(t, 40)
	client := s.connect(t)
	uuid := define(t, client, good()).UUID

	var clients, knobs sync.WaitGroup
	stop := make(chan struct{})
	knobs.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s.apple.Change(func(b *appletest.Behavior) {
				b.QuotedErrors, b.RotateSessions, b.ClockSkew = i%2 == 0, i%3 == 0, time.Duration(i%5)*time.Second
			})
			end := s.apple.Fail(appletest.Fault{Kind: appletest.Status, After: 3, Times: 1})
			s.org.RequireTerms()
			if err := errors.Join(s.org.AcceptTerms(s.admin), s.admin.Assign(s.service, serials[i%len(serials)])); err != nil {
				t.Error(err)
			}
			s.org.Rename(fmt.Sprint("Acme ", i))
			end()
			if i%10 == 0 {
				s.apple.Heal()
			}
		}
	})
	var answered [8]int
	for n := range answered {
		clients.Go(func() {
			for i := range 30 {
				for _, c := range [][3]string{
					{"GET", "/account", ""},
					{"POST", "/server/devices", `{"limit":10}`},
					{"POST", "/devices", `{"devices":["S00001"]}`},
					{"POST", "/profile/devices", fmt.Sprintf(`{"profile_uuid":%q,"devices":["S%05d"]}`, uuid, i)},
				} {
					r, err := try(client, c[0], c[1], c[2])
					if assert.NoError(t, err) && assert.Contains(t, []int{200, 403, 500}, r.Status, r.Body) &&
						r.Status == 200 {
						answered[n]++
					}
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	knobs.Wait()
	for _, n := range answered {
		assert.Positive(t, n)
	}
	assert.Equal(t, 8*30, s.apple.Count("GET", "/account"))
}

// Only one of many downloads leaves a token that lives.
func TestConcurrentDownloadsLeaveOneToken(t *testing.T) {
	s := newShop(t, appletest.Options{})
	files := make([][]byte, 8)
	var people sync.WaitGroup
	for i := range files {
		people.Go(func() {
			var err error
			files[i], _, err = s.admin.DownloadToken(s.service)
			assert.NoError(t, err)
		})
	}
	people.Wait()
	living := 0
	for _, file := range files {
		if s.session(t, open(t, file, pair())).Status == 200 {
			living++
		}
	}
	assert.Equal(t, 1, living)
}
