package slognotify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/slognotify"
)

var expires = time.Date(2026, 12, 24, 9, 0, 0, 0, time.UTC)

func notice(kind enrollment.NoticeKind) enrollment.Notice {
	return enrollment.Notice{
		ID: "srv_1/7/send_notice", Thread: enrollment.Thread("srv_1", kind), Kind: kind,
		Tenant: "acme", Server: "srv_1", ExpiresAt: expires, At: expires.AddDate(0, 0, -7),
	}
}

// written notifies a JSON log and returns the lines as a reader of the log has them.
func written(t *testing.T, notices ...enrollment.Notice) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	n := slognotify.New(slog.New(slog.NewJSONHandler(&out, nil)))
	for _, one := range notices {
		require.NoError(t, n.Notify(t.Context(), one))
	}
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		lines = append(lines, fields)
	}
	return lines
}

func TestANoticeIsOneLineWithItsFields(t *testing.T) {
	n := notice(enrollment.NoticeRejected)
	n.Name = "Acme MDM"
	n.Problem = enrollment.NewProblem(enrollment.CodeRejected, "reason", " (token_rejected)", "admin", "tess@acme.example")
	lines := written(t, n)
	require.Len(t, lines, 1)
	require.NotEmpty(t, lines[0]["time"])
	delete(lines[0], "time")
	require.Equal(t, map[string]any{
		"level": "ERROR", "msg": "Apple refuses a server token",
		"notice": "srv_1/7/send_notice", "thread": "srv_1/rejected", "kind": "rejected", "cleared": false,
		"tenant": "acme", "server": "srv_1", "name": "Acme MDM", "expires_at": "2026-12-24T09:00:00Z", "expires": 1798102800.0,
		"problem": "token_rejected", "title": "Apple does not accept the token (token_rejected)", "next": n.Problem.Next,
	}, lines[0])
}

func TestUrgencyIsTheLevel(t *testing.T) {
	expiry := func(days int) enrollment.Notice {
		n := notice(enrollment.NoticeExpiry)
		n.Days = days
		return n
	}
	cleared := expiry(0)
	cleared.Cleared = true
	bare := notice("of_the_future")
	bare.ExpiresAt = time.Time{}
	for _, c := range []struct {
		notice         enrollment.Notice
		level, message string
	}{
		{expiry(60), "INFO", "a server token expires"},
		{expiry(15), "INFO", "a server token expires"},
		{expiry(14), "WARN", "a server token expires"},
		{expiry(1), "WARN", "a server token expires"},
		{expiry(0), "ERROR", "a server token has expired"},
		{expiry(-7), "ERROR", "a server token has expired"},
		{cleared, "INFO", "a server token expires: no longer"},
		{notice(enrollment.NoticeRejected), "ERROR", "Apple refuses a server token"},
		{notice(enrollment.NoticeTerms), "WARN", "Apple waits for new terms to be accepted"},
		{notice(enrollment.NoticeWaiting), "INFO", "a renewal waits for a person"},
		{bare, "INFO", "a notice of kind of_the_future"},
	} {
		line := written(t, c.notice)[0]
		assert.Equal(t, c.level, line["level"], c.message)
		assert.Equal(t, c.message, line["msg"])
		if c.notice.Kind == enrollment.NoticeExpiry && !c.notice.Cleared {
			assert.InDelta(t, c.notice.Days, line["days"], 0)
		} else {
			assert.NotContains(t, line, "days")
		}
		assert.Equal(t, !c.notice.ExpiresAt.IsZero(), line["expires"] != nil)
	}
}

// A push certificate is no server token, and its notices name no server.
func TestANoticeAboutAPushCertificateSaysSo(t *testing.T) {
	for _, c := range []struct {
		kind    enrollment.NoticeKind
		days    int
		cleared bool
		message string
	}{
		{enrollment.NoticeExpiry, 7, false, "a push certificate expires"},
		{enrollment.NoticeExpiry, -1, false, "a push certificate has expired"},
		{enrollment.NoticeExpiry, 0, true, "a push certificate expires: no longer"},
		{enrollment.NoticeRejected, 0, false, "Apple refuses a push certificate"},
		{enrollment.NoticeWaiting, 0, false, "a renewal waits for a person"},
	} {
		n := notice(c.kind)
		n.Server, n.Push, n.Days, n.Cleared = "", "psh_1", c.days, c.cleared
		line := written(t, n)[0]
		assert.Equal(t, c.message, line["msg"])
		assert.Equal(t, "psh_1", line["push"])
	}
	plan := notice(enrollment.NoticeWaiting)
	plan.Plan = "pln_1"
	assert.Equal(t, "pln_1", written(t, plan)[0]["plan"])
}

// A name at Apple's portal is a stranger's text: it makes no second line.
func TestAStrangersTextStaysInItsLine(t *testing.T) {
	n := notice(enrollment.NoticeTerms)
	n.Problem = enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme\nlevel=ERROR msg=\"all tokens are dead\"\r\n")
	var out bytes.Buffer
	require.NoError(t, slognotify.New(slog.New(slog.NewTextHandler(&out, nil))).Notify(t.Context(), n))
	require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
	require.Len(t, written(t, n), 1)
}

// full is a handler whose disk is full.
type full struct{ slog.Handler }

var errFull = errors.New("no space left on device")

func (full) Handle(context.Context, slog.Record) error { return errFull }

// The runner offers a notice again only if it hears that it was not taken.
func TestALineThatCannotBeWrittenIsAnError(t *testing.T) {
	n := slognotify.New(slog.New(full{slog.NewTextHandler(&bytes.Buffer{}, nil)}))
	require.ErrorIs(t, n.Notify(t.Context(), notice(enrollment.NoticeExpiry)), errFull)
}

// Whoever configured the log to hold errors only does not want the rest again and again.
func TestALineBelowTheLevelCountsAsTaken(t *testing.T) {
	var out bytes.Buffer
	n := slognotify.New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})))
	require.NoError(t, n.Notify(t.Context(), notice(enrollment.NoticeWaiting)))
	require.Empty(t, out.String())
	require.NoError(t, n.Notify(t.Context(), notice(enrollment.NoticeRejected)))
	require.NotEmpty(t, out.String())
}

// The attributes and group that the host gave its logger are kept.
func TestTheHostsOwnAttributesAreKept(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil)).With("service", "rmm").WithGroup("abm")
	require.NoError(t, slognotify.New(log).Notify(t.Context(), notice(enrollment.NoticeExpiry)))
	require.Contains(t, out.String(), "service=rmm")
	require.Contains(t, out.String(), "abm.tenant=acme")
}

func TestWithoutALoggerTheDefaultIsUsed(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, slognotify.New(nil).Notify(t.Context(), notice(enrollment.NoticeExpiry)))
	require.Contains(t, out.String(), "tenant=acme")
}
