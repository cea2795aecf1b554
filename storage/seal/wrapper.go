package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// ErrWrongKeyring says that none of the master keys at hand is the one that a data key was wrapped with: this is
// another keyring than the one that the store was filled with. Nothing is lost as long as that one exists. It matches
// [storage.ErrWrongKeys].
var ErrWrongKeyring = fmt.Errorf("%w: use the keyring that belongs to this store, or restore that from its backup",
	storage.ErrWrongKeys)

// KeyWrapper holds the master key: in a file, a key management service, a hardware module. Implementations are
// safe for concurrent use and honour the context.
//
// Unwrap returns an error that matches [ErrWrongKeyring] if it has no key of this ID, and one that matches
// [storage.ErrDamaged] if the wrapped bytes or aad are not authentic. Every other error of any method counts as
// "out of reach now" and surfaces as [storage.ErrKeyUnavailable]. Errors must not contain key material.
type KeyWrapper interface {
	// KeyID names the master key that new data keys are wrapped with. A name is never used for another key.
	KeyID(ctx context.Context) (string, error)
	// Wrap encrypts a 32-byte data key; aad must be given to Unwrap again.
	Wrap(ctx context.Context, keyID string, key, aad []byte) ([]byte, error)
	// Unwrap is the way back. The caller owns the result and overwrites it after use.
	Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error)
}

const (
	maxWrapped  = 8 << 10 // bytes of one wrapped data key: generous for RSA-wrapping modules
	maxMasterID = 1 << 10 // bytes of a master key's name: generous for resource names of cloud services
)

// wrap wraps a data key with the present master key, and proves that it can be unwrapped again before anybody
// relies on it: a service may allow its caller to encrypt and not to decrypt.
func (s *Sealer) wrap(ctx context.Context, tenant string, id keyID, key []byte) (ringKey, error) {
	short, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	master, err := s.keys.KeyID(short)
	if err != nil {
		return ringKey{}, wrapperError("asking for the master key's name", err)
	}
	wrapped, err := s.keys.Wrap(short, master, key, wrapAAD(tenant, id))
	if err != nil {
		return ringKey{}, wrapperError("wrapping a data key", err)
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped || len(master) > maxMasterID {
		return ringKey{}, fmt.Errorf("%w: the key wrapper returned a wrapped key of %d bytes, named with %d bytes",
			storage.ErrInvalid, len(wrapped), len(master))
	}
	k := ringKey{ID: id, Master: master, Wrapped: bytes.Clone(wrapped)}
	again, err := s.unwrap(ctx, tenant, k)
	if err != nil {
		return ringKey{}, fmt.Errorf("trying a freshly wrapped data key: %w", err)
	}
	defer clear(again)
	if !bytes.Equal(again, key) {
		return ringKey{}, fmt.Errorf("%w: the key wrapper gives back another key than it was given", storage.ErrDamaged)
	}
	return k, nil
}

func (s *Sealer) unwrap(ctx context.Context, tenant string, k ringKey) ([]byte, error) {
	short, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	key, err := s.keys.Unwrap(short, k.Master, k.Wrapped, wrapAAD(tenant, k.ID))
	if err != nil {
		return nil, wrapperError(fmt.Sprintf("unwrapping data key %v of tenant %q with master key %q", k.ID, tenant, k.Master), err)
	}
	if len(key) != keySize {
		clear(key)
		return nil, fmt.Errorf("%w: data key %v of tenant %q has %d bytes", storage.ErrDamaged, k.ID, tenant, len(key))
	}
	return key, nil
}

// wrapAAD binds a wrapped data key to its tenant and its ID.
func wrapAAD(tenant string, id keyID) []byte {
	aad := binary.AppendUvarint([]byte("tdek/v1"), uint64(len(tenant)))
	aad = append(aad, tenant...)
	return append(aad, id[:]...)
}

func wrapperError(doing string, err error) error {
	if errors.Is(err, ErrWrongKeyring) || errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrKeyUnavailable) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", storage.ErrKeyUnavailable, doing, err)
}
