package nanomdm_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

const (
	apiKey  = "nano-api-key-3f9c"
	hmacKey = "webhook-key-77aa"
	udid    = "66ADE930-5FDF-5EC4-8429-15640684C489"
	serial  = "C02MT66KFLHH"
)

var (
	start   = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	command = enrollment.WipeCommand("acme", "mov_1/wipe/1")
)

// received is a request as the fake server got it.
type received struct {
	method, path, query, contentType string
	body                             []byte
	user, password                   string
}

// fake answers like a NanoMDM server, or as a test wants.
type fake struct {
	t   testing.TB
	url string

	mu     sync.Mutex
	got    []received
	queued map[string]string                                 // UDID by command
	forget bool                                              // commands are forgotten at once, as with delete=1
	answer func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, queued: map[string]string{}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client gave up before it sent all
	}
	user, password, _ := r.BasicAuth()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, received{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), body, user, password})
	if f.answer != nil && f.answer(w, r) {
		return
	}
	if password != apiKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	id, enqueue := strings.CutPrefix(r.URL.Path, "/v1/enqueue/")
	if !enqueue {
		reply(w, http.StatusOK, map[string]any{"status": map[string]any{strings.TrimPrefix(r.URL.Path, "/v1/push/"): map[string]string{"push_result": "x"}}})
		return
	}
	var c struct {
		CommandUUID string
		Command     struct{ RequestType string }
	}
	if err := plist.Unmarshal(body, &c); err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"command_error": "decoding command: " + err.Error()})
		return
	}
	out := map[string]any{"command_uuid": c.CommandUUID, "request_type": c.Command.RequestType}
	if _, exists := f.queued[c.CommandUUID]; exists && !f.forget {
		out["command_error"] = "command already exists: " + c.CommandUUID
		reply(w, http.StatusInternalServerError, out)
		return
	}
	f.queued[c.CommandUUID] = id
	reply(w, http.StatusOK, out)
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// says makes the server answer every request in one way.
func (f *fake) says(status int, body string, header ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func (f *fake) requests() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// enqueued returns the commands that the server was asked to queue.
func (f *fake) enqueued() []received {
	return slices.DeleteFunc(f.requests(), func(r received) bool { return !strings.HasPrefix(r.path, "/v1/enqueue/") })
}

func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.queued))
}

// server makes a client of the fake; its clock stands at start.
func (f *fake) server(change ...func(*nanomdm.Options)) *nanomdm.Server {
	o := nanomdm.Options{BaseURL: f.url, APIKey: abmtoken.NewSecret(apiKey), Now: func() time.Time { return start }}
	for _, c := range change {
		c(&o)
	}
	s, err := nanomdm.NewServer(o)
	require.NoError(f.t, err)
	return s
}

func (f *fake) dispatcher(change ...func(*nanomdm.Options)) *nanomdm.Dispatcher {
	return nanomdm.NewDispatcher(nanomdm.Only(f.server(change...)), nil)
}

// wipe is an order that is in time.
func wipe(change ...func(*enrollment.Wipe)) enrollment.Wipe {
	w := enrollment.Wipe{
		Command: command, Tenant: "acme", MDM: "old", NotAfter: start.Add(30 * time.Second),
		Device: enrollment.Device{Serial: serial, UDID: udid, Family: enrollment.FamilyMac, OS: "15.1", Product: "Mac14,2"},
	}
	for _, c := range change {
		c(&w)
	}
	return w
}

// inbox is what a webhook delivers.
type inbox struct {
	mu     sync.Mutex
	events []enrollment.DeviceEvent
	err    error
}

func (b *inbox) deliver(_ context.Context, e enrollment.DeviceEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.events = append(b.events, e)
	return nil
}

func (b *inbox) all() []enrollment.DeviceEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

// hook is a webhook at the old MDM of acme.
func hook(t testing.TB, b *inbox, change ...func(*nanomdm.WebhookConfig)) *nanomdm.Webhook {
	c := nanomdm.WebhookConfig{
		MDM: "old", Tenant: "acme", Key: abmtoken.NewSecret(hmacKey), Deliver: b.deliver, Now: func() time.Time { return start },
		Sightings: nanomdm.NewMemorySightings(0),
	}
	for _, f := range change {
		f(&c)
	}
	h, err := nanomdm.NewWebhook(c)
	require.NoError(t, err)
	return h
}

// post sends a signed body and returns the status and text of the answer.
func post(h http.Handler, body []byte, change ...func(*http.Request)) (int, string) {
	r := httptest.NewRequest(http.MethodPost, "/old", strings.NewReader(string(body)))
	r.Header.Set("X-Hmac-Signature", sign(body, hmacKey))
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func sign(body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// said is an event as NanoMDM sends it.
type said struct {
	topic   string
	at      time.Time
	message map[string]any
	kind    string // of the enrollment; empty: Device
	tally   int    // of a TokenUpdate
	raw     []byte // instead of message
	params  map[string]string
}

func (s said) body(t testing.TB) []byte {
	raw := s.raw
	if raw == nil {
		var err error
		raw, err = plist.Marshal(s.message)
		require.NoError(t, err)
	}
	text := func(key string) string { v, _ := s.message[key].(string); return v }
	id, kind := text("UDID"), s.kind
	if kind == "" {
		kind = "Device"
	}
	if kind != "Device" {
		id += ":" + text("UserID")
	}
	if e := text("EnrollmentID"); e != "" {
		id = e
	}
	told := map[string]any{"ids": map[string]string{"id": id, "type": kind}, "raw_payload": base64.StdEncoding.EncodeToString(raw)}
	if u := text("UDID"); u != "" {
		told["udid"] = u
	}
	if s.params != nil {
		told["url_params"] = s.params
	}
	name := "checkin_event"
	if s.topic == "mdm.Connect" {
		name = "acknowledge_event"
		told["status"], told["command_uuid"] = text("Status"), text("CommandUUID")
	}
	if s.topic == "mdm.TokenUpdate" {
		told["token_update_tally"] = s.tally
	}
	at := s.at
	if at.IsZero() {
		at = start
	}
	body, err := json.Marshal(map[string]any{"topic": s.topic, "event_id": "e", "created_at": at, name: told})
	require.NoError(t, err)
	return body
}

func authenticate(at time.Time) said {
	return said{topic: "mdm.Authenticate", at: at, message: map[string]any{
		"MessageType": "Authenticate", "UDID": udid, "SerialNumber": serial, "Topic": "com.apple.mgmt.External.x",
		"ProductName": "iPad14,1", "OSVersion": "18.1", "Model": "iPad",
	}}
}

func tokenUpdate(at time.Time, tally int) said {
	return said{topic: "mdm.TokenUpdate", at: at, tally: tally, message: map[string]any{
		"MessageType": "TokenUpdate", "UDID": udid, "Topic": "com.apple.mgmt.External.x", "Token": []byte("t"), "PushMagic": "m",
	}}
}

func checkOut(at time.Time) said {
	return said{topic: "mdm.CheckOut", at: at, message: map[string]any{"MessageType": "CheckOut", "UDID": udid}}
}

func connect(at time.Time, status, uuid string, more ...any) said {
	m := map[string]any{"UDID": udid, "Status": status}
	if uuid != "" {
		m["CommandUUID"] = uuid
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return said{topic: "mdm.Connect", at: at, message: m}
}

// send posts an event that has to be taken.
func send(t testing.TB, h http.Handler, s said) {
	t.Helper()
	status, text := post(h, s.body(t))
	assert.Equal(t, http.StatusOK, status, text)
}
