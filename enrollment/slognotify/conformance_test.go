package slognotify_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"sync"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
	"github.com/abmrenew/abmrenew/enrollment/slognotify"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// told returns the IDs of the notices in it.
func (l *logged) told() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range regexp.MustCompile(`notice=(\S+)`).FindAllStringSubmatch(l.text.String(), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestItIsANotifier(t *testing.T) {
	enrollmenttest.RunNotifier(t, func(testing.TB) enrollmenttest.NotifierRig {
		var l logged
		return enrollmenttest.NotifierRig{Notifier: slognotify.New(slog.New(slog.NewTextHandler(&l, nil))), Told: l.told}
	})
}
