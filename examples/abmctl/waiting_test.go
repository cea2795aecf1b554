package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// safeBuffer may be read while somebody writes.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A person at a terminal sees how long it takes; a log and a quiet program show nothing.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen safeBuffer
		h := &host{process: process{err: &screen, terminal: true}}
		done := h.waiting("Asking Apple")
		<-time.After(3500 * time.Millisecond)
		synctest.Wait()
		assert.Contains(t, screen.String(), "Asking Apple ... 3s")
		done()
		done()
		assert.Contains(t, screen.String(), "\x1b[K", "the line is cleared")

		var file safeBuffer
		for _, h := range []*host{
			{process: process{err: &file}}, {process: process{err: &file, terminal: true}, flags: flags{Quiet: true}},
		} {
			done := h.waiting("Asking Apple")
			<-time.After(2 * time.Second)
			done()
		}
		assert.Empty(t, file.String())
	})
}

func TestNotices(t *testing.T) {
	var out bytes.Buffer
	board := noticeBoard{&host{process: process{err: &out}}}
	for _, n := range []enrollment.Notice{
		{Kind: enrollment.NoticeExpiry, Days: 14, ExpiresAt: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)},
		{Kind: enrollment.NoticeExpiry, Days: -7, ExpiresAt: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)},
		{Kind: enrollment.NoticeRejected, Problem: enrollment.NewProblem(enrollment.CodeRejected)},
		{Kind: enrollment.NoticeRejected, Cleared: true},
	} {
		n.Tenant, n.Server = "acme", "srv_1"
		require.NoError(t, board.Notify(context.Background(), n))
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, "notice: tenant acme, server srv_1: the token expires in 14 days, on 2027-01-02", lines[0])
	assert.Equal(t, "notice: tenant acme, server srv_1: the token expired on 2027-01-02", lines[1])
	assert.Contains(t, lines[2], "rejected: Apple does not accept the token")
	assert.Contains(t, lines[3], "rejected: settled")
}

func TestNoticesAboutPushCertificatesNameThem(t *testing.T) {
	var out bytes.Buffer
	n := enrollment.Notice{Kind: enrollment.NoticeExpiry, Tenant: "acme", Push: "psh_1", Days: 7, ExpiresAt: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	require.NoError(t, noticeBoard{&host{process: process{err: &out}}}.Notify(t.Context(), n))
	assert.Equal(t, "notice: tenant acme, push psh_1: the push certificate expires in 7 days, on 2027-01-02\n", out.String())
}

// Every command that may keep a person waiting says so at once.
func TestEveryWaitShows(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	file := acme.download("new.p7m")
	rows := w.write("rows.json", []byte("[]"))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"server", "add", "Another", "--cert-out", w.path("c.pem")}, "Making the key pair ..."},
		{[]string{"server", "add", "Third"}, "Starting the renewal ..."},
		{[]string{"server", "check", acme.server}, "Asking Apple ..."},
		{[]string{"renew", "start", acme.server}, "Starting the renewal ..."},
		{[]string{"renew", "certificate", acme.server, "--out", w.path("d.pem")}, "Making the key pair ..."},
		{[]string{"renew", "upload", acme.server, file}, "Reading the token and asking Apple whose it is ..."},
		{[]string{"renew", "recheck", acme.renewal}, "Working ..."},
		{[]string{"adopt", rows}, "Adopting ..."},
		{[]string{"run", "--once"}, "Doing what is due ..."},
		{[]string{"audit", "verify"}, "Walking the hash chains ..."},
		{[]string{"keys", "rotate"}, "Sealing everything anew ..."},
		{[]string{"offboard", "default", "--yes"}, "Erasing ..."},
	} {
		var screen, out bytes.Buffer
		run(t.Context(), append([]string{"--store", w.path("store.db"), "--dep-url", w.url}, c.args...), process{
			in: strings.NewReader(""), out: &out, err: &screen, terminal: true, user: "tess", now: w.now,
		})
		assert.Contains(t, screen.String(), c.says, "%v", c.args)
		assert.NotContains(t, out.String(), " ...", "%v", c.args)
	}
}
