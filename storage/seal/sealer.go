package seal

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// Options tune a [Sealer]. The zero value is good.
type Options struct {
	TTL     time.Duration // how long an open data key stays in memory; 0: 10 minutes
	Tenants int           // of how many tenants at most; 0: 10,000
	Timeout time.Duration // for each exchange with the KeyWrapper; 0: 10 seconds

	// KeepOld is how long a data key is kept at least after it was rotated out; 0: 24 hours, never less than twice
	// the TTL. Other processes may seal with it until their memory expires, and commit a little later; so it must be
	// longer than the TTL that any process uses with this store.
	KeepOld time.Duration

	Now func() time.Time // the clock of the TTL; nil: time.Now
}

// Sealer implements [storage.Sealer]. It is safe for concurrent use, and any number of processes may have one each
// over the same store and master key.
type Sealer struct {
	store storage.Store
	keys  KeyWrapper
	o     Options

	mu      sync.Mutex
	cache   *cache
	flights map[wanted]*flight
}

var _ storage.Sealer = (*Sealer)(nil)

// New returns a sealer that keeps its data keys in store, wrapped by keys. It tries one of the data keys that are
// already there: the error matches [ErrWrongKeyring] if the master key is not the store's, and
// [storage.ErrKeyUnavailable] if the master key is out of reach.
func New(store storage.Store, keys KeyWrapper, o Options) (*Sealer, error) {
	if store == nil || keys == nil {
		return nil, errors.New("seal: a sealer needs a store and a key wrapper")
	}
	if o.TTL <= 0 {
		o.TTL = 10 * time.Minute
	}
	if o.Tenants <= 0 {
		o.Tenants = 10_000
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.KeepOld <= 0 {
		o.KeepOld = 24 * time.Hour
	}
	o.KeepOld = max(o.KeepOld, 2*o.TTL)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sealer{store: store, keys: keys, o: o, cache: newCache(o.TTL, o.Tenants), flights: make(map[wanted]*flight)}
	ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
	defer cancel()
	if err := s.tryMasterKey(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Seal encrypts plaintext for this tenant and place; the tenant's data key is made if it has none yet. The result
// is 70 bytes longer than the plaintext.
func (s *Sealer) Seal(ctx context.Context, tenant string, place, plaintext []byte) ([]byte, error) {
	id, k, err := s.key(ctx, tenant, keyID{})
	if err != nil {
		return nil, err
	}
	defer k.clear()
	return k.seal(id, tenant, place, plaintext)
}

// Open decrypts what Seal returned for this tenant and place; anything else is [storage.ErrSealed].
func (s *Sealer) Open(ctx context.Context, tenant string, place, sealed []byte) ([]byte, error) {
	id, suite, err := parseHeader(sealed)
	if err != nil || suite != suiteSeal {
		return nil, storage.ErrSealed
	}
	_, k, err := s.key(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	defer k.clear()
	return k.open(tenant, place, sealed)
}

// Sign returns a code of 42 bytes for the message; the tenant's data key is made if it has none yet.
func (s *Sealer) Sign(ctx context.Context, tenant string, message []byte) ([]byte, error) {
	id, k, err := s.key(ctx, tenant, keyID{})
	if err != nil {
		return nil, err
	}
	defer k.clear()
	return k.sign(id, message), nil
}

// Verify fails with [storage.ErrSealed] unless Sign returned mac for this tenant and message.
func (s *Sealer) Verify(ctx context.Context, tenant string, message, mac []byte) error {
	id, suite, err := parseHeader(mac)
	if err != nil || suite != suiteMAC {
		return storage.ErrSealed
	}
	_, k, err := s.key(ctx, tenant, id)
	if err != nil {
		return err
	}
	defer k.clear()
	if !hmac.Equal(mac, k.sign(id, message)) {
		return storage.ErrSealed
	}
	return nil
}

// Stale reports whether sealed bytes, or a code, were made with another data key than the tenant's active one, as
// far as this process knows: it may learn of a rotation by another process only after Options.TTL.
func (s *Sealer) Stale(ctx context.Context, tenant string, sealedOrMAC []byte) (bool, error) {
	id, _, err := parseHeader(sealedOrMAC)
	if err != nil {
		return false, err
	}
	r, err := s.knownRing(ctx, tenant)
	return err == nil && r.Active != id, err
}

// Forget drops and overwrites every open data key that is held in memory. The next call fetches what it needs.
func (s *Sealer) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.dropAll()
}

// Format prints the type's name only, whatever the verb.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "seal.Sealer") }

// LogValue gives the type's name only.
func (s *Sealer) LogValue() slog.Value { return slog.StringValue("seal.Sealer") }
