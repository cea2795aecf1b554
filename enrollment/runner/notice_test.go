package runner_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// desk is a ticket system: the first notice of a thread opens a ticket, the cleared one closes it.
func desk(notices []enrollment.Notice) (open map[string]int, closed int) {
	open = map[string]int{}
	for _, n := range notices {
		if n.Cleared {
			delete(open, n.Thread)
			closed++
			continue
		}
		open[n.Thread]++
	}
	return open, closed
}

// All reminders of one expiry are one ticket, which closes itself when the token is renewed.
func TestNoticesOfOneTroubleAreOneThread(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.pass(360 * 24 * time.Hour)
	open, _ := desk(h.inbox.all())
	thread := enrollment.Thread(string(s.id), enrollment.NoticeExpiry)
	assert.Equal(t, map[string]int{thread: 4}, open, "60, 30, 14 and 7 days before")
	ids := map[string]bool{}
	for _, n := range h.inbox.all() {
		assert.False(t, ids[n.ID], "each has its own ID")
		ids[n.ID] = true
		assert.EqualValues(t, "acme", n.Tenant)
		assert.Equal(t, s.id, n.Server)
		assert.Equal(t, "Acme MDM", n.Name)
	}
	_, err := s.upload(s.file())
	require.NoError(t, err)
	h.pass(time.Minute)
	open, closed := desk(h.inbox.all())
	assert.Empty(t, open)
	assert.Equal(t, 1, closed)
}

// A rejection is told at once, by a call of the host's own as well, and cleared by the next acceptance.
func TestRejectionNoticeIsCleared(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(25 * time.Hour)
	s.file() // somebody downloads a token and uploads it nowhere
	h.pass(24 * time.Hour)
	thread := enrollment.Thread(string(s.id), enrollment.NoticeRejected)
	open, _ := desk(h.inbox.all())
	assert.Equal(t, map[string]int{thread: 1}, open, "once, however often it is probed")
	last := h.inbox.all()[len(h.inbox.all())-1]
	require.NotNil(t, last.Problem)
	assert.Contains(t, last.Problem.Title, "token_rejected")
	assert.Contains(t, last.Problem.Next, "it@acme.example")
	h.clock.Pass(time.Hour)
	_, err := s.upload(s.file())
	require.NoError(t, err)
	h.pass(time.Minute)
	open, _ = desk(h.inbox.all())
	assert.Empty(t, open)
}

// A token that its year ended is refused by Apple as well: nobody is sent to look for who changed a password.
func TestRejectionAfterTheExpirySaysThatItExpired(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.pass(370 * 24 * time.Hour)
	told := map[enrollment.Code]int{}
	for _, n := range h.inbox.all() {
		if n.Kind == enrollment.NoticeRejected {
			assert.Equal(t, s.id, n.Server)
			require.NotNil(t, n.Problem)
			told[n.Problem.Code]++
		}
	}
	assert.Equal(t, map[enrollment.Code]int{enrollment.CodeTokenExpired: 1}, told)
}

// A renewal that waits for a person reminds of itself, and is quiet when the person has come or gives it up.
func TestWaitingRenewalReminds(t *testing.T) {
	for _, how := range []string{"upload", "cancel", "lapse"} {
		t.Run(how, func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			run, err := s.c.StartRenewal(ctx(t), tech, s.id)
			require.NoError(t, err)
			h.pass(4 * 24 * time.Hour)
			open, _ := desk(h.inbox.all())
			assert.Equal(t, map[string]int{enrollment.Thread(string(s.id), enrollment.NoticeWaiting): 1}, open)
			switch how {
			case "upload":
				_, err = s.upload(s.file())
			case "cancel":
				_, err = s.c.Cancel(ctx(t), tech, run.ID)
			case "lapse":
				h.pass(31 * 24 * time.Hour)
			}
			require.NoError(t, err)
			h.pass(time.Minute)
			open, _ = desk(h.inbox.all())
			assert.Empty(t, open)
			count := len(h.inbox.all())
			h.pass(10 * 24 * time.Hour)
			assert.Len(t, h.inbox.all(), count, "and says no more")
		})
	}
}

// A customer who has been told is left alone until the day that was agreed; then the present level comes, and only that.
func TestQuietUntil(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	expires := s.view().Token.Expires
	until := expires.AddDate(0, 0, -10)
	v, err := s.c.Quiet(ctx(t), tech, s.id, until)
	require.NoError(t, err)
	assert.Equal(t, until, v.QuietUntil)
	h.pass(until.Sub(h.clock.Now()) - time.Hour)
	assert.Empty(t, h.inbox.all())
	assert.Equal(t, enrollment.Expiring, s.view().Health, "the list shows it all the same")
	h.pass(2 * time.Hour)
	notices := h.inbox.all()
	require.Len(t, notices, 1)
	assert.Equal(t, 14, notices[0].Days)

	entries, err := s.c.Audit(ctx(t), string(s.id), 0, 1000)
	require.NoError(t, err)
	assert.Contains(t, acts(entries), enrollment.ActQuieted)
	assert.Equal(t, time.Time{}, renewed(t, s).QuietUntil, "a new token is not kept quiet")

	bare := s.c.newServer("No token yet")
	_, err = s.c.Quiet(ctx(t), tech, bare.id, until)
	requireProblem(t, enrollment.CodeRefused, err)
}

func renewed(t *testing.T, s *service) runner.ServerView {
	t.Helper()
	_, err := s.upload(s.file())
	require.NoError(t, err)
	return s.view()
}

func acts(entries []enrollment.AuditEntry) (list []enrollment.Act) {
	for _, e := range entries {
		list = append(list, e.Act)
	}
	return list
}

// A notifier that fails gets the same notice again, with the same ID; nothing else waits for it.
func TestNoticeIsTriedAgain(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.inbox.fail = errors.New("the mail server is down")
	h.pass(306 * 24 * time.Hour)
	assert.Empty(t, h.inbox.all())
	assert.Contains(t, h.log.String(), "a notice was not taken")
	assert.Contains(t, h.log.String(), "the mail server is down")
	_, err := s.upload(s.file())
	require.NoError(t, err, "an upload does not wait for mail")
	h.inbox.mu.Lock()
	h.inbox.fail = nil
	h.inbox.mu.Unlock()
	h.pass(24 * time.Hour)
	notices := h.inbox.all()
	require.Len(t, notices, 1, "of a thread that is over, only its end is told")
	assert.True(t, notices[0].Cleared)
}
