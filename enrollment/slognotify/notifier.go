package slognotify

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Notifier writes notices to a log. Make one with [New]. It is safe for concurrent use if the log's handler is, as those
// of log/slog are.
type Notifier struct{ log slog.Handler }

var _ enrollment.Notifier = (*Notifier)(nil)

// New returns a notifier that writes to a log; nil: that of [slog.Default] at this moment.
func New(log *slog.Logger) *Notifier {
	if log == nil {
		log = slog.Default()
	}
	return &Notifier{log: log.Handler()}
}

// Notify writes one line. It goes to the handler itself, because a [slog.Logger] keeps the error of a line that could
// not be written to itself; here that error has the notice come back later.
func (l *Notifier) Notify(ctx context.Context, n enrollment.Notice) error {
	level := levelOf(n)
	if !l.log.Enabled(ctx, level) {
		return nil
	}
	line := slog.NewRecord(time.Now(), level, message(n), 0)
	line.AddAttrs(
		slog.String("notice", n.ID), slog.String("thread", n.Thread), slog.String("kind", string(n.Kind)),
		slog.Bool("cleared", n.Cleared), slog.String("tenant", string(n.Tenant)), slog.String("server", string(n.Server)),
	)
	if n.Name != "" {
		line.AddAttrs(slog.String("name", n.Name))
	}
	if n.Push != "" {
		line.AddAttrs(slog.String("push", string(n.Push)))
	}
	if n.Plan != "" {
		line.AddAttrs(slog.String("plan", string(n.Plan)))
	}
	if n.Kind == enrollment.NoticeExpiry && !n.Cleared {
		line.AddAttrs(slog.Int("days", n.Days))
	}
	if !n.ExpiresAt.IsZero() {
		line.AddAttrs(slog.Time("expires_at", n.ExpiresAt), slog.Int64("expires", n.ExpiresAt.Unix()))
	}
	if p := n.Problem; p != nil {
		line.AddAttrs(slog.String("problem", string(p.Code)), slog.String("title", p.Title), slog.String("next", p.Next))
	}
	return l.log.Handle(ctx, line)
}

// urgent is how many days before an expiry a reminder becomes a warning.
const urgent = 14

func levelOf(n enrollment.Notice) slog.Level {
	switch {
	case n.Cleared:
		return slog.LevelInfo
	case n.Kind == enrollment.NoticeRejected, n.Kind == enrollment.NoticeExpiry && n.Days <= 0:
		return slog.LevelError // devices are cut off now: from enrolling, or from every command
	case n.Kind == enrollment.NoticeTerms, n.Kind == enrollment.NoticeExpiry && n.Days <= urgent:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// pushMessages are those about push certificates, where they differ.
var pushMessages = map[enrollment.NoticeKind]string{
	enrollment.NoticeExpiry:   "a push certificate expires",
	enrollment.NoticeRejected: "Apple refuses a push certificate",
}

// messages do not change with a notice's content, so that a log can be searched for them.
var messages = map[enrollment.NoticeKind]string{
	enrollment.NoticeExpiry:   "a server token expires",
	enrollment.NoticeRejected: "Apple refuses a server token",
	enrollment.NoticeTerms:    "Apple waits for new terms to be accepted",
	enrollment.NoticeWaiting:  "a renewal waits for a person",
}

func message(n enrollment.Notice) string {
	text, known := messages[n.Kind]
	subject := "a server token"
	if n.Push != "" {
		subject = "a push certificate"
		if about, differs := pushMessages[n.Kind]; differs {
			text = about
		}
	}
	switch {
	case !known:
		text = "a notice of kind " + strings.ToValidUTF8(string(n.Kind), "\uFFFD")
	case n.Kind == enrollment.NoticeExpiry && n.Days <= 0 && !n.Cleared:
		text = subject + " has expired"
	}
	if n.Cleared {
		return text + ": no longer"
	}
	return text
}
