package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/abmrenew/abmrenew/storage"
)

// Keyring is a [KeyWrapper] over master keys that this process holds itself: the current one wraps, the previous
// ones still unwrap. It is safe for concurrent use; the keyrings of one file in several processes see each other's
// changes.
type Keyring struct {
	path string // of the file; empty: none
	env  bool   // the keys came from outside and cannot be changed here

	mu   sync.Mutex
	keys []masterKey // the current one first
}

var _ KeyWrapper = (*Keyring)(nil)

type masterKey struct {
	id  string
	key []byte
}

// maxMasters bounds a keyring; Forget makes room.
const maxMasters = 100

func newMasterKey(key []byte) masterKey {
	sum := sha256.Sum256(append([]byte("abmrenew master key/1"), key...))
	return masterKey{id: hex.EncodeToString(sum[:8]), key: key}
}

func randomMasterKey() masterKey {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails, as documented
	return newMasterKey(key)
}

// MemoryKeyring returns a keyring with one fresh key that lives as long as the process: for tests.
func MemoryKeyring() *Keyring { return &Keyring{keys: []masterKey{randomMasterKey()}} }

// EnvKeyring reads a keyring from the value of an environment variable, which the caller has read: master keys of
// 32 bytes in base64, the current one first, previous ones behind it, separated by commas. To rotate, put a new one
// in front, restart every process, and call [Sealer.RewrapAll].
func EnvKeyring(value string) (*Keyring, error) {
	const advice = "make one with: openssl rand -base64 32"
	if strings.TrimSpace(value) == "" {
		return nil, fmt.Errorf("%w: the variable with the master key is empty; %s", storage.ErrInvalid, advice)
	}
	k := &Keyring{env: true}
	parts := strings.Split(value, ",")
	if len(parts) > maxMasters {
		return nil, fmt.Errorf("%w: %d master keys, more than %d", storage.ErrInvalid, len(parts), maxMasters)
	}
	for i, part := range parts {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(key) != keySize { // err would quote the key
			return nil, fmt.Errorf("%w: master key %d of the variable is not 32 bytes in base64; %s",
				storage.ErrInvalid, i+1, advice)
		}
		k.keys = append(k.keys, newMasterKey(key))
	}
	return k, nil
}

// KeyID returns the ID of the current master key.
func (k *Keyring) KeyID(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.reload(); err != nil {
		return "", err
	}
	return k.keys[0].id, nil
}

// IDs returns the IDs of all master keys, the current one first.
func (k *Keyring) IDs() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	ids := make([]string, len(k.keys))
	for i, m := range k.keys {
		ids[i] = m.id
	}
	return ids
}

// Wrap encrypts a data key with AES-256-GCM.
func (k *Keyring) Wrap(_ context.Context, keyID string, key, aad []byte) ([]byte, error) {
	master, err := k.find(keyID)
	if err != nil {
		return nil, err
	}
	defer clear(master)
	aead, err := randomNonceGCM(master)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{version1}, nil, key, aad), nil
}

// Unwrap is the way back.
func (k *Keyring) Unwrap(_ context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	master, err := k.find(keyID)
	if err != nil {
		return nil, err
	}
	defer clear(master)
	aead, err := randomNonceGCM(master)
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("%w: the wrapped data key was changed", storage.ErrDamaged)
	if len(wrapped) == 0 || wrapped[0] != version1 {
		return nil, damaged
	}
	key, err := aead.Open(nil, nil, wrapped[1:], aad)
	if err != nil {
		return nil, damaged
	}
	return key, nil
}

// find returns a copy of a master key, and looks into the file again for one that another process added.
func (k *Keyring) find(id string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.index(id)
	if at < 0 {
		if err := k.reload(); err != nil {
			return nil, err
		}
		at = k.index(id)
	}
	if at < 0 {
		return nil, fmt.Errorf("%w (the keyring has no key %q)", ErrWrongKeyring, id)
	}
	return bytes.Clone(k.keys[at].key), nil
}

func (k *Keyring) index(id string) int {
	return slices.IndexFunc(k.keys, func(m masterKey) bool { return m.id == id })
}

// Rotate adds a fresh master key and makes it the current one. Previous keys stay. Call [Sealer.RewrapAll] next.
func (k *Keyring) Rotate() error {
	if k.env {
		return fmt.Errorf("rotating the master key: %w: it comes from an environment variable; "+
			"put a new key in front of the present ones there and restart", errors.ErrUnsupported)
	}
	return k.change(func(keys []masterKey) ([]masterKey, error) {
		if len(keys) >= maxMasters {
			return nil, fmt.Errorf("%w: the keyring has %d keys; forget some first", storage.ErrInvalid, len(keys))
		}
		return append([]masterKey{randomMasterKey()}, keys...), nil
	})
}

// Forget removes a previous master key for ever. What it wraps, in the store or in the store's backups, is lost:
// see [Sealer.MasterKeys] before.
func (k *Keyring) Forget(keyID string) error {
	if k.env {
		return fmt.Errorf("forgetting a master key: %w: it comes from an environment variable", errors.ErrUnsupported)
	}
	return k.change(func(keys []masterKey) ([]masterKey, error) {
		if keys[0].id == keyID {
			return nil, fmt.Errorf("%w: %q is the current master key; rotate first", storage.ErrInvalid, keyID)
		}
		return slices.DeleteFunc(keys, func(m masterKey) bool { return m.id == keyID }), nil
	})
}

// change applies f to the keys as they are now, in the file if there is one.
func (k *Keyring) change(f func([]masterKey) ([]masterKey, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path != "" {
		unlock, err := lockFile(k.path + ".lock")
		if err != nil {
			return fmt.Errorf("locking the keyring: %w", err)
		}
		defer unlock()
		if err := k.reload(); err != nil {
			return err
		}
	}
	keys, err := f(slices.Clone(k.keys))
	if err != nil {
		return err
	}
	if k.path != "" {
		if err := writeKeyring(k.path, keys); err != nil {
			return err
		}
	}
	k.keys = keys
	return nil
}

func (k *Keyring) reload() error {
	if k.path == "" {
		return nil
	}
	keys, err := readKeyring(k.path)
	if err == nil {
		k.keys = keys
	}
	return err
}

// Format prints the type's name only, whatever the verb.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "seal.Keyring") }

// LogValue gives the type's name only.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue("seal.Keyring") }
