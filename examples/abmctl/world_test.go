package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// world is a technician's computer with a folder for files, and the fake Apple on a loopback listener.
type world struct {
	t     *testing.T
	dir   string
	apple *appletest.Apple
	url   string

	terminal bool // a person watches

	mu  sync.Mutex
	at  time.Time
	all bytes.Buffer // everything that was ever printed
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	w.apple = appletest.New(appletest.Options{Now: w.now})
	listener := httptest.NewServer(w.apple.Handler())
	t.Cleanup(listener.Close)
	w.url = listener.URL
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Millisecond)
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// path is a file in the technician's folder.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name string, text []byte) string {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.path(name), text, 0o600))
	return w.path(name)
}

// result is what a command left.
type result struct {
	t        *testing.T
	line     string
	status   int
	out, err string
}

// cli runs a command on the world's store.
func (w *world) cli(args ...string) result {
	w.t.Helper()
	return w.bare(append([]string{"--store", w.path("store.db"), "--dep-url", w.url}, args...)...)
}

// bare runs a command as it stands.
func (w *world) bare(args ...string) result { return w.with("", args...) }

func (w *world) with(in string, args ...string) result {
	w.t.Helper()
	var out, err bytes.Buffer
	status := run(w.t.Context(), args, process{
		in: strings.NewReader(in), out: &out, err: &err, user: "tess", now: w.now, terminal: w.terminal,
	})
	w.all.Write(out.Bytes())
	w.all.Write(err.Bytes())
	return result{w.t, strings.Join(args, " "), status, out.String(), err.String()}
}

// ok demands that the command did what it should.
func (r result) ok() result {
	r.t.Helper()
	require.Equal(r.t, 0, r.status, "%s\n%s%s", r.line, r.out, r.err)
	return r
}

// fails demands an exit status, and a message that says what to do next.
func (r result) fails(status int) result {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "%s\n%s%s", r.line, r.out, r.err)
	require.Contains(r.t, r.err, "next: ", r.line)
	return r
}

// object is the one JSON object on standard output.
func (r result) object() map[string]any {
	r.t.Helper()
	var fields map[string]any
	r.decode(&fields)
	return fields
}

// objects are those of the one array on standard output, or the one object.
func (r result) objects() (list []map[string]any) {
	r.t.Helper()
	if strings.HasPrefix(r.out, "[") {
		r.decode(&list)
		return list
	}
	return append(list, r.object())
}

func (r result) decode(into any) {
	r.t.Helper()
	in := json.NewDecoder(strings.NewReader(r.out))
	require.NoError(r.t, in.Decode(into), "%s\n%s", r.line, r.out)
	require.False(r.t, in.More(), "one JSON value and nothing else: %s", r.out)
}

func (r result) get(name string) string {
	r.t.Helper()
	text, ok := r.object()[name].(string)
	require.True(r.t, ok, "%s: no text %q in %s", r.line, name, r.out)
	return text
}

// code is the problem's code.
func (r result) code() string {
	r.t.Helper()
	problem, ok := r.object()["problem"].(map[string]any)
	require.True(r.t, ok, "no problem in %s", r.out)
	require.NotEmpty(r.t, problem["title"])
	require.NotEmpty(r.t, problem["next"])
	return problem["code"].(string)
}

// customer is a server of ours with its organization, administrator and service at Apple.
type customer struct {
	w       *world
	tenant  string
	server  string
	renewal string // the first
	org     *appletest.Organization
	admin   *appletest.Admin
	service *appletest.Service
}

// newCustomer adds a server and its service at Apple, without a token yet.
func (w *world) newCustomer(tenant, name string) *customer {
	w.t.Helper()
	c := &customer{w: w, tenant: tenant, org: w.apple.AddOrganization(name + " Inc.")}
	c.admin = c.org.AddAdmin("it@" + tenant + ".example")
	return c.addServer(name)
}

// addServer adds a server of the same customer.
func (c *customer) addServer(name string) *customer {
	c.w.t.Helper()
	other := &customer{w: c.w, tenant: c.tenant, org: c.org, admin: c.admin}
	pem := c.w.path(name + ".pem")
	added := other.json("server", "add", name, "--cert-out", pem).ok()
	other.server, other.renewal = added.get("server"), added.get("renewal")
	var err error
	other.service, err = c.admin.CreateService(name, other.w.read(pem))
	require.NoError(c.w.t, err)
	return other
}

func (w *world) read(path string) []byte {
	w.t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(w.t, err)
	return text
}

// withToken gives the server its first token.
func (c *customer) withToken() *customer {
	c.w.t.Helper()
	c.json("renew", "upload", c.server, c.download("first.p7m"), "--confirm").ok()
	c.w.pass(time.Hour) // later downloads have a later expiry
	return c
}

func (c *customer) cli(args ...string) result {
	c.w.t.Helper()
	return c.w.cli(append([]string{"--tenant", c.tenant}, args...)...)
}

func (c *customer) json(args ...string) result {
	c.w.t.Helper()
	return c.cli(append([]string{"--json"}, args...)...)
}

// download is what the administrator gets from the portal now.
func (c *customer) download(name string) string {
	c.w.t.Helper()
	file, _, err := c.admin.DownloadToken(c.service)
	require.NoError(c.w.t, err)
	return c.w.write(name, file)
}

// sealed is every record of the store that a refused file leaves byte for byte as it was: secrets, keys, and whose services
// and certificates are.
func (w *world) sealed() map[storage.RecordKey]string {
	w.t.Helper()
	store := bolt.Shared(w.path("store.db"), bolt.Options{Wait: patience})
	out := map[storage.RecordKey]string{}
	for _, kind := range []string{storage.KindSecret, seal.Kind, runner.KindService, runner.KindRecipient} {
		records, err := store.List(w.t.Context(), storage.Query{Kind: kind, AllTenants: true, Limit: storage.MaxPage})
		require.NoError(w.t, err)
		for _, rec := range records {
			sum := sha256.Sum256(rec.Data)
			out[rec.RecordKey] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

// credentials is what no refused file may change: the token in use and the key ring.
func (c *customer) credentials() string {
	c.w.t.Helper()
	fields := c.json("server", "show", c.server).ok().object()
	text, err := json.Marshal([]any{fields["token"], fields["keys"], fields["pin"]})
	require.NoError(c.w.t, err)
	return string(text)
}

// untouched checks that what happens leaves the credentials exactly as they were.
func (c *customer) untouched(what func()) {
	c.w.t.Helper()
	before, sealed := c.credentials(), c.w.sealed()
	what()
	assert.Equal(c.w.t, before, c.credentials())
	after := c.w.sealed()
	for key, bytes := range sealed {
		assert.Equal(c.w.t, bytes, after[key], "%v is not what it was", key)
	}
}

func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
