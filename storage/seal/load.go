package seal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

// wanted is a data key that somebody needs; a zero id is the tenant's active key, made if there is none.
type wanted struct {
	tenant string
	id     keyID
}

// flight is one fetch of a key. Those who need the same key meanwhile wait for it.
type flight struct {
	done chan struct{}
	err  error
	gone bool // the one who fetched gave up, which says nothing about the key
}

// key returns a copy of a data key, for the caller to clear.
func (s *Sealer) key(ctx context.Context, tenant string, id keyID) (keyID, dataKey, error) {
	w := wanted{tenant, id}
	for {
		s.mu.Lock()
		if got, k, err := s.cached(w); err != nil || k != nil {
			defer s.mu.Unlock()
			if err != nil {
				return got, dataKey{}, err
			}
			return got, *k, nil
		}
		if storage.IsCachedOnly(ctx) {
			s.mu.Unlock()
			return keyID{}, dataKey{}, fmt.Errorf("%w: the data key of tenant %q is not in memory", storage.ErrKeyUnavailable, tenant)
		}
		f, waiting := s.flights[w]
		if !waiting {
			f = &flight{done: make(chan struct{})}
			s.flights[w] = f
			s.mu.Unlock()
			return s.fly(ctx, w, f)
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return keyID{}, dataKey{}, fmt.Errorf("%w: waiting for the data key of tenant %q: %w",
				storage.ErrKeyUnavailable, tenant, context.Cause(ctx))
		}
		if f.err != nil && !f.gone {
			return keyID{}, dataKey{}, f.err
		}
	}
}

// cached looks the key up in memory; a nil key without error means that it is not there. The mutex is held.
func (s *Sealer) cached(w wanted) (keyID, *dataKey, error) {
	e := s.cache.get(w.tenant, s.o.Now())
	if e == nil {
		return w.id, nil, nil
	}
	if e.ring.Shredded {
		return w.id, nil, shredded(w.tenant)
	}
	id := w.id
	if id == (keyID{}) {
		id = e.ring.Active
	}
	return id, e.keys[id], nil
}

func (s *Sealer) fly(ctx context.Context, w wanted, f *flight) (id keyID, k dataKey, err error) {
	defer func() { // also after a panic in a key wrapper; the others then try for themselves
		s.mu.Lock()
		defer s.mu.Unlock()
		f.err, f.gone = err, ctx.Err() != nil
		delete(s.flights, w)
		close(f.done)
	}()
	return s.load(ctx, w)
}

// load fetches a key from the store and opens it.
func (s *Sealer) load(ctx context.Context, w wanted) (keyID, dataKey, error) {
	r, version, err := s.readRing(ctx, w.tenant)
	if errors.Is(err, storage.ErrNotFound) {
		if w.id != (keyID{}) {
			return w.id, dataKey{}, storage.ErrSealed // nothing was ever sealed for this tenant
		}
		r, version, err = s.firstKey(ctx, w.tenant)
	}
	if err != nil {
		return w.id, dataKey{}, err
	}
	s.remember(w.tenant, r, version)
	if r.Shredded {
		return w.id, dataKey{}, shredded(w.tenant)
	}
	id := w.id
	if id == (keyID{}) {
		id = r.Active
	}
	wrapped, ok := r.find(id)
	if !ok {
		return id, dataKey{}, storage.ErrSealed
	}
	raw, err := s.unwrap(ctx, w.tenant, wrapped)
	if err != nil {
		return id, dataKey{}, err
	}
	k, err := newDataKey(raw)
	clear(raw)
	if err != nil {
		return id, dataKey{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.cache.put(w.tenant, r, version, s.o.Now()); e.version == version && e.keys[id] == nil {
		held := k
		e.keys[id] = &held
	}
	return id, k, nil
}

// firstKey makes a tenant's first data key. Whoever stores one first wins; the others take that one.
func (s *Sealer) firstKey(ctx context.Context, tenant string) (ring, int64, error) {
	k, err := s.newKey(ctx, tenant)
	if err != nil {
		return ring{}, 0, err
	}
	failed := s.writeRing(ctx, tenant, ring{Active: k.ID, Keys: []ringKey{k}}, 0)
	// Also after an error whose outcome is unknown the store has the last word.
	r, version, err := s.readRing(ctx, tenant)
	if err != nil && failed != nil {
		err = failed
	}
	return r, version, err
}

// newKey makes a data key, and forgets it but for its wrapped form: it is used only once it was read back.
func (s *Sealer) newKey(ctx context.Context, tenant string) (ringKey, error) {
	raw := make([]byte, keySize)
	defer clear(raw)
	_, _ = rand.Read(raw) // never fails, as documented
	return s.wrap(ctx, tenant, newKeyID(), raw)
}

// knownRing returns the tenant's ring from memory or else from the store.
func (s *Sealer) knownRing(ctx context.Context, tenant string) (ring, error) {
	s.mu.Lock()
	e := s.cache.get(tenant, s.o.Now())
	var r ring
	if e != nil {
		r = e.ring
	}
	s.mu.Unlock()
	if e == nil {
		if storage.IsCachedOnly(ctx) {
			return ring{}, fmt.Errorf("%w: the data keys of tenant %q are not in memory", storage.ErrKeyUnavailable, tenant)
		}
		var version int64
		var err error
		if r, version, err = s.readRing(ctx, tenant); err != nil {
			if errors.Is(err, storage.ErrNotFound) {
				err = storage.ErrSealed
			}
			return ring{}, err
		}
		s.remember(tenant, r, version)
	}
	if r.Shredded {
		return ring{}, shredded(tenant)
	}
	return r, nil
}

func (s *Sealer) remember(tenant string, r ring, version int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.put(tenant, r, version, s.o.Now())
}

func shredded(tenant string) error { return fmt.Errorf("%w: tenant %q", storage.ErrShredded, tenant) }
