package appletest

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options are what a fake Apple needs from outside. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil: time.Now. Apple's own clock may differ from it by [Behavior.ClockSkew].
	Now func() time.Time
	// After waits, for latency and slow bodies; nil: time.After.
	After func(time.Duration) <-chan time.Time
	// Random makes identifiers, tokens and keys; nil: crypto/rand.
	Random io.Reader
	// Portal is the generation of the portal, which decides whose role may do what; empty: Portal2026.
	Portal Portal
	// Behavior is what the fake starts with; see [Apple.Change].
	Behavior Behavior
}

// Apple is a fake Apple. Make one with [New].
type Apple struct {
	now    func() time.Time
	after  func(time.Duration) <-chan time.Time
	random io.Reader
	portal Portal

	transport http.RoundTripper

	mu            sync.Mutex // guards everything below, and what hangs on it; never held while waiting
	behavior      Behavior
	organizations []*Organization
	tokens        map[string]*token // by access token, the dead ones too
	sessions      map[string]*session
	nonces        nonces
	cursorKey     []byte
	faults        []*fault
	log           requestLog
	push          *Push                  // made when it is asked for
	apiAccounts   map[string]*apiAccount // by client ID
	apiTokens     map[string]apiToken    // by bearer token
	activities    []*activity
}

// New returns an Apple without organizations.
func New(o Options) *Apple {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Portal == "" {
		o.Portal = Portal2026
	}
	a := &Apple{
		now: o.Now, after: o.After, random: o.Random, portal: o.Portal,
		behavior: o.Behavior,
		tokens:   map[string]*token{},
		sessions: map[string]*session{},

		apiAccounts: map[string]*apiAccount{},
		apiTokens:   map[string]apiToken{},
	}
	a.cursorKey = a.randomBytes(32)
	a.transport = newTransport(a)
	return a
}

// Now returns the time on Apple's clock.
func (a *Apple) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clock()
}

// clock needs the lock.
func (a *Apple) clock() time.Time { return a.now().Add(a.behavior.ClockSkew).UTC() }

// randomBytes reads from the source of the options. A source that ends is a fault of the test that gave it.
func (a *Apple) randomBytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(a.random, b); err != nil {
		panic("appletest: Options.Random: " + err.Error())
	}
	return b
}

// randomHex returns n random bytes as 2n small hex digits.
func (a *Apple) randomHex(n int) string { return hex.EncodeToString(a.randomBytes(n)) }

// newUUID returns 32 upper-case hex digits, as Apple writes its identifiers.
func (a *Apple) newUUID() string { return strings.ToUpper(a.randomHex(16)) }
