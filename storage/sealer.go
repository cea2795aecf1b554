package storage

import (
	"context"
	"encoding/binary"
	"errors"
)

var (
	// ErrSealed says that sealed bytes did not open: another key, another place than the one they were sealed
	// for, or changed bytes. Which of these it was is not told.
	ErrSealed = errors.New("storage: sealed data does not open here")
	// ErrShredded says that the tenant's data key was destroyed; nothing of it can be read again.
	ErrShredded = errors.New("storage: the tenant's data key was destroyed")
	// ErrWrongKeys says that the data keys in the store were wrapped by a master key that is not at hand.
	ErrWrongKeys = errors.New("storage: sealed with other master keys")
	// ErrKeyUnavailable says that the keys could not be reached now, or may not be fetched in this call.
	ErrKeyUnavailable = errors.New("storage: the sealing key is out of reach")
)

// Sealer protects what a store keeps, with keys of its own for each tenant; the empty tenant is the
// installation. Implementations are safe for concurrent use, and keep none of the bytes that they are given after
// a call. Package seal has the one that ships.
type Sealer interface {
	// Seal encrypts plaintext so that it opens only for this tenant and this place.
	Seal(ctx context.Context, tenant string, place, plaintext []byte) ([]byte, error)
	// Open is the way back. It fails with [ErrSealed] for anything else than what Seal returned for this place.
	Open(ctx context.Context, tenant string, place, sealed []byte) ([]byte, error)
	// Sign returns a message authentication code.
	Sign(ctx context.Context, tenant string, message []byte) ([]byte, error)
	// Verify fails with [ErrSealed] unless Sign returned mac for this message.
	Verify(ctx context.Context, tenant string, message, mac []byte) error
	// Stale reports whether sealed bytes, or a code, were made with a key that has been rotated out.
	Stale(ctx context.Context, tenant string, sealedOrMAC []byte) (bool, error)
}

// joined writes parts one behind the other, each with its length before it, so that no two lists of parts
// give the same bytes.
func joined(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += binary.MaxVarintLen32 + len(p)
	}
	return appendJoined(make([]byte, 0, n), parts...)
}

func appendJoined(out []byte, parts ...[]byte) []byte {
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
