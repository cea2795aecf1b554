package storage

import "context"

type cachedOnly struct{}

// CachedOnly returns a context whose calls may use only keys that a [Sealer] holds in memory; it returns
// [ErrKeyUnavailable] where it would have to fetch one. For calls inside the host's own database transaction, which must
// not wait for a key management service.
func CachedOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, cachedOnly{}, true)
}

// IsCachedOnly reports whether ctx came from [CachedOnly].
func IsCachedOnly(ctx context.Context) bool { return ctx.Value(cachedOnly{}) != nil }
