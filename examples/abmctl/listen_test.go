package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

const hookKey = "webhook-key-5e1f"

// listening is `abmctl run --every ... --listen` under way.
type listening struct {
	w    *world
	url  string
	stop context.CancelFunc
	done chan int
	out  *bytes.Buffer
	err  *heardLines
}

// heardLines keep what is written, and tell of each line.
type heardLines struct {
	mu   sync.Mutex
	text bytes.Buffer
	told chan string
}

func (l *heardLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		select {
		case l.told <- line:
		default:
		}
	}
	return l.text.Write(p)
}

func (l *heardLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var listensOn = regexp.MustCompile(`http://\S+:\d+`)

// listen starts the program and waits until it listens.
func (w *world) listen(args ...string) *listening {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	l := &listening{w: w, stop: stop, done: make(chan int, 1), out: &bytes.Buffer{}, err: &heardLines{told: make(chan string, 100)}}
	args = append([]string{"--store", w.path("store.db"), "--dep-url", w.url, "run", "--every", "1h", "--listen", "127.0.0.1:0"}, args...)
	go func() {
		l.done <- run(ctx, args, process{in: strings.NewReader(""), out: l.out, err: l.err, user: "tess", now: w.now})
	}()
	w.t.Cleanup(func() { stop(); <-l.ended() })
	for {
		select {
		case line := <-l.err.told:
			if l.url = listensOn.FindString(line); strings.HasPrefix(line, "Listening") {
				return l
			}
		case status := <-l.done:
			l.done <- status
			w.t.Fatalf("it ended with %d: %s", status, l.err)
		}
	}
}

// ended gives the exit status to everybody who asks.
func (l *listening) ended() <-chan int {
	status := make(chan int, 1)
	got := <-l.done
	l.done <- got
	status <- got
	return status
}

func signed(body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// send posts an event, and returns the answer.
func (l *listening) send(path string, body []byte, signature string) (int, string) {
	l.w.t.Helper()
	r, err := http.NewRequestWithContext(l.w.t.Context(), http.MethodPost, l.url+path, bytes.NewReader(body))
	require.NoError(l.w.t, err)
	if signature != "" {
		r.Header.Set("X-Hmac-Signature", signature)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(l.w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(l.w.t, err)
	return res.StatusCode, string(text)
}

// checkin is what NanoMDM sends of an Authenticate or a TokenUpdate.
func (w *world) checkin(kind, udid, serial string) []byte {
	w.t.Helper()
	plist := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>MessageType</key><string>%s</string><key>UDID</key><string>%s</string><key>SerialNumber</key><string>%s</string>
<key>ProductName</key><string>Mac14,2</string><key>OSVersion</key><string>15.1</string></dict></plist>`, kind, udid, serial)
	told := map[string]any{"ids": map[string]string{"id": udid, "type": "Device"}, "udid": udid, "raw_payload": []byte(plist)}
	if kind == "TokenUpdate" {
		told["token_update_tally"] = 1
	}
	body, err := json.Marshal(map[string]any{"topic": "mdm." + kind, "event_id": "e", "created_at": w.now(), "checkin_event": told})
	require.NoError(w.t, err)
	return body
}

// kept counts what is stored of devices.
func (w *world) kept(tenant string) int {
	w.t.Helper()
	records, err := bolt.Shared(w.path("store.db"), bolt.Options{Wait: patience}).
		List(w.t.Context(), storage.Query{Kind: kindSighting, Tenant: tenant, Limit: 100})
	require.NoError(w.t, err)
	return len(records)
}

// What the MDMs tell is known to the next command, which runs in between; the end is a good one.
func TestListen(t *testing.T) {
	w := newWorld(t)
	w.cli("--tenant", "default", "server", "add", "Acme").ok()
	w.cli("--tenant", "beta", "server", "add", "Beta").ok()
	l := w.listen("--webhook-key", "@"+w.write("key", []byte(hookKey+"\n")))
	for path, udid := range map[string]string{"/old": "00000000-0001", "/new": "00000000-0002", "/old/beta": "00000000-0003"} {
		for _, kind := range []string{"Authenticate", "TokenUpdate"} {
			body := w.checkin(kind, udid, "C02"+udid[len(udid)-1:])
			status, text := l.send(path, body, signed(body, hookKey))
			assert.Equal(t, 200, status, text)
		}
	}
	assert.Equal(t, []int{2, 1}, []int{w.kept("default"), w.kept("beta")})
	w.cli("server", "list").ok()
	h := &host{flags: flags{Store: w.path("store.db"), DEPURL: w.url}, process: process{err: io.Discard, now: w.now}}
	require.NoError(t, h.open(t.Context(), needs))
	facts, err := checkinsOf(h).DeviceFacts(t.Context(), "default", newMDM, enrollment.Device{Serial: "C022"})
	require.NoError(t, err)
	assert.Equal(t, []any{enrollment.Yes, "00000000-0002", enrollment.FamilyMac}, []any{facts.Managed, facts.UDID, facts.Family})
	l.stop()
	assert.Equal(t, 0, <-l.ended(), l.err.String())
	assert.NotContains(t, l.err.String(), hookKey)
	_, err = net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	require.Error(t, err, "nobody listens any more")
}

// What proves nothing, is too large, or is about nobody is refused, and nothing of it is stored.
func TestForgedEventsAreNotStored(t *testing.T) {
	w := newWorld(t)
	w.cli("server", "add", "Acme").ok()
	t.Setenv("ABMCTL_WEBHOOK_KEY", hookKey)
	l := w.listen()
	body := w.checkin("Authenticate", "00000000-0001", "C02A")
	large := bytes.Repeat([]byte(" "), 3<<20)
	w.pass(10 * time.Minute)
	old := body // stamped ten minutes ago
	fresh := w.checkin("Authenticate", "00000000-0001", "C02A")
	for what, c := range map[string]struct {
		path, signature string
		body            []byte
		status          int
	}{
		"no signature":      {"/old", "", fresh, 401},
		"another key":       {"/old", signed(fresh, "guess"), fresh, 401},
		"another body":      {"/new", signed(body, hookKey), fresh, 401},
		"megabytes":         {"/old", signed(large, hookKey), large, 413},
		"played again":      {"/old", signed(old, hookKey), old, 400},
		"no event":          {"/old", signed([]byte("{}x"), hookKey), []byte("{}x"), 400},
		"an unknown tenant": {"/old/nobody", signed(fresh, hookKey), fresh, 503},
		"an unknown path":   {"/", signed(fresh, hookKey), fresh, 404},
	} {
		status, text := l.send(c.path, c.body, c.signature)
		assert.Equal(t, c.status, status, "%s: %s", what, text)
		assert.NotContains(t, text, hookKey)
	}
	assert.Zero(t, w.kept("default"))
	status, text := l.send("/old", fresh, signed(fresh, hookKey))
	assert.Equal(t, 200, status, text)
	assert.Equal(t, 1, w.kept("default"))
	assert.Contains(t, l.err.String(), "signature")
}

// Without a key events are taken from this machine alone, and only where somebody says so.
func TestListenFlags(t *testing.T) {
	w := newWorld(t)
	w.cli("server", "add", "Acme").ok()
	run := []string{"--store", w.path("store.db"), "--json", "run", "--every", "1h"}
	for _, flags := range [][]string{
		{"--listen", "127.0.0.1:0"}, {"--listen", "nonsense", "--webhook-key", "k"}, {"--listen", "127.0.0.1", "--webhook-key", "k"},
		{"--listen", "0.0.0.0:0", "--allow-unsigned"}, {"--listen", ":0", "--allow-unsigned"}, {"--allow-unsigned"},
		{"--listen", "127.0.0.1:0", "--allow-unsigned", "--webhook-key", "k"}, {"--listen", "127.0.0.1:0", "--webhook-key", "@" + w.path("gone")},
		{"--listen", "127.0.0.1:99999", "--webhook-key", "k"}, {"--listen", strings.TrimPrefix(w.url, "http://"), "--webhook-key", "k"},
	} {
		assert.Equal(t, "invalid_input", w.bare(append(run, flags...)...).fails(2).code(), "%v", flags)
	}
	w.bare("--store", w.path("store.db"), "run", "--once", "--listen", "127.0.0.1:0", "--webhook-key", "k").fails(2)
	l := w.listen("--allow-unsigned")
	body := w.checkin("Authenticate", "00000000-0001", "C02A")
	status, text := l.send("/old", body, "")
	assert.Equal(t, 200, status, text)
	status, _ = l.send("/old", body, signed(body, hookKey))
	assert.Equal(t, 401, status, "a signature that nobody can check is no good sign")
	assert.Equal(t, 1, w.kept("default"))
}

// Who sends slowly, or nothing, does not keep the program from ending.
func TestASlowSenderIsNotWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	reading := make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reading)
		_, err := io.ReadAll(r.Body)
		assert.Error(t, err)
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l, handler, time.Millisecond) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /old HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	<-reading
	stop()
	require.NoError(t, <-ended)
}

// What has come in when the program ends is kept.
func TestEventsUnderWayAreKept(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		assert.NoError(t, r.Context().Err(), "the end of the program is none of the event's")
		w.WriteHeader(http.StatusOK)
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l, handler, time.Minute) }()
	res, err := http.Post("http://"+l.Addr().String(), "text/plain", nil)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 200, res.StatusCode)
	require.NoError(t, <-ended)
}

// A connection takes a place until it is closed.
func TestPlacesAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := limited{inner, make(chan struct{}, 1)}
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		require.NoError(t, err)
		return c
	}
	defer dial().Close()
	defer dial().Close()
	first, err := l.Accept()
	require.NoError(t, err)
	second := make(chan net.Conn)
	go func() {
		c, err := l.Accept()
		assert.NoError(t, err)
		second <- c
	}()
	select {
	case <-second:
		t.Error("a second one got in")
	default:
	}
	require.NoError(t, first.Close())
	require.ErrorIs(t, first.Close(), net.ErrClosed, "a second time gives no second place")
	c := <-second
	require.NoError(t, c.Close())
	assert.Empty(t, l.places)
}
