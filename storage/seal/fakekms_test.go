package seal_test

import (
	"context"
	"sync/atomic"

	"github.com/abmrenew/abmrenew/storage/seal"
)

// fakeKMS is a key management service: a keyring behind hooks that count, fail, wait or lie.
type fakeKMS struct {
	*seal.Keyring
	wraps, unwraps atomic.Int64

	before func(ctx context.Context, call string) error
	answer func(call string, out []byte) []byte
}

func newKMS() *fakeKMS { return &fakeKMS{Keyring: seal.MemoryKeyring()} }

func (f *fakeKMS) KeyID(ctx context.Context) (string, error) {
	if err := f.hook(ctx, "key ID"); err != nil {
		return "", err
	}
	return f.Keyring.KeyID(ctx)
}

func (f *fakeKMS) Wrap(ctx context.Context, keyID string, key, aad []byte) ([]byte, error) {
	f.wraps.Add(1)
	if err := f.hook(ctx, "wrap"); err != nil {
		return nil, err
	}
	out, err := f.Keyring.Wrap(ctx, keyID, key, aad)
	return f.change("wrap", out), err
}

func (f *fakeKMS) Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	f.unwraps.Add(1)
	if err := f.hook(ctx, "unwrap"); err != nil {
		return nil, err
	}
	out, err := f.Keyring.Unwrap(ctx, keyID, wrapped, aad)
	return f.change("unwrap", out), err
}

func (f *fakeKMS) hook(ctx context.Context, call string) error {
	if f.before == nil {
		return nil
	}
	return f.before(ctx, call)
}

func (f *fakeKMS) change(call string, out []byte) []byte {
	if f.answer == nil {
		return out
	}
	return f.answer(call, out)
}
