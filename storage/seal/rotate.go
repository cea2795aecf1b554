package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// RotateDataKey gives a tenant a new data key. What is sealed or signed from now on uses it (in other processes
// after Options.TTL at the latest); what is there stays readable until a [Sealer.Sweep] has sealed it anew. Two
// rotations at once make one new key. The error matches [storage.ErrNotFound] if the tenant has no data key yet,
// and [storage.ErrShredded] if it was shredded.
func (s *Sealer) RotateDataKey(ctx context.Context, tenant string) error {
	before, version, err := s.readRing(ctx, tenant)
	if err != nil {
		return err
	}
	for r := before; ; {
		switch {
		case r.Shredded:
			return shredded(tenant)
		case r.Active != before.Active: // somebody else was faster, or our own write was stored after all
			s.remember(tenant, r, version)
			if _, k, err := s.key(ctx, tenant, keyID{}); err == nil {
				k.clear() // it was fetched for calls that may use only what is in memory
			}
			return nil
		case len(r.Keys) > maxOld:
			return fmt.Errorf("%w: tenant %q has %d old data keys; sweep before you rotate again",
				storage.ErrInvalid, tenant, len(r.Keys)-1)
		}
		fresh, err := s.newKey(ctx, tenant)
		if err != nil {
			return err
		}
		now, err := s.storeTime(ctx)
		if err != nil {
			return err
		}
		next := ring{Active: fresh.ID, Keys: append(slices.Clone(r.Keys), fresh)}
		for i, k := range next.Keys {
			if k.ID == r.Active {
				next.Keys[i].Rotated = now
			}
		}
		failed := s.writeRing(ctx, tenant, next, version)
		r, version, err = s.readRing(ctx, tenant)
		if err != nil {
			return errors.Join(failed, err)
		}
		if failed != nil && !errors.Is(failed, storage.ErrConflict) && r.Active == before.Active {
			return failed
		}
	}
}

// RewrapAll wraps every data key that is not wrapped by the present master key with that one, and returns how many
// were. No other record is touched, and all of them stay readable all the time. A ring that cannot be rewrapped does
// not stop the others; after an error call it again.
func (s *Sealer) RewrapAll(ctx context.Context) (int, error) {
	short, cancel := context.WithTimeout(ctx, s.o.Timeout)
	master, err := s.keys.KeyID(short)
	cancel()
	if err != nil {
		return 0, wrapperError("asking for the master key's name", err)
	}
	return s.inEachRing(ctx, func(rec storage.Record) (int, error) { return s.rewrap(ctx, rec, master) })
}

// RotateDataKeys gives every tenant that has a data key, and the installation, a new one, and returns how many it
// gave: the second step of a complete rotation, between [Sealer.RewrapAll] and [Sealer.Sweep]. Shredded tenants are
// left out. A ring that cannot be rotated does not stop the others. Each call makes new keys, so after an error rotate
// the tenants that it names with [Sealer.RotateDataKey], or sweep before the next call.
func (s *Sealer) RotateDataKeys(ctx context.Context) (int, error) {
	return s.inEachRing(ctx, func(rec storage.Record) (int, error) {
		err := s.RotateDataKey(ctx, rec.Tenant)
		switch {
		case err == nil:
			return 1, nil
		case errors.Is(err, storage.ErrShredded):
			return 0, nil
		}
		return 0, fmt.Errorf("rotating the data key of tenant %q: %w", rec.Tenant, err)
	})
}

// inEachRing adds up what do did to each ring. It ends early where keys are out of reach, and else goes on behind a ring
// that fails.
func (s *Sealer) inEachRing(ctx context.Context, do func(storage.Record) (int, error)) (total int, err error) {
	var failed []error
	for rec, err := range s.rings(ctx, "") {
		if err != nil {
			return total, errors.Join(append(failed, err)...)
		}
		n, err := do(rec)
		total += n
		switch {
		case errors.Is(err, storage.ErrKeyUnavailable) || ctx.Err() != nil:
			return total, errors.Join(append(failed, err)...)
		case err != nil && len(failed) < maxErrors:
			failed = append(failed, err)
		}
	}
	return total, errors.Join(failed...)
}

// maxErrors bounds how many errors of single records a call collects.
const maxErrors = 20

func (s *Sealer) rewrap(ctx context.Context, rec storage.Record, master string) (int, error) {
	for {
		r, err := decodeRing(rec)
		if err != nil {
			return 0, err
		}
		next := ring{Active: r.Active, Keys: slices.Clone(r.Keys), Shredded: r.Shredded}
		n := 0
		for i, k := range r.Keys {
			if k.Master == master {
				continue
			}
			if next.Keys[i], err = s.rewrapped(ctx, rec.Tenant, k); err != nil {
				return 0, err
			}
			n++
		}
		if n == 0 {
			return 0, nil
		}
		err = s.writeRing(ctx, rec.Tenant, next, rec.Version)
		if !errors.Is(err, storage.ErrConflict) {
			if err != nil {
				n = 0
			}
			return n, err
		}
		if rec, err = s.store.Get(ctx, rec.RecordKey); err != nil {
			return 0, err
		}
	}
}

func (s *Sealer) rewrapped(ctx context.Context, tenant string, k ringKey) (ringKey, error) {
	raw, err := s.unwrap(ctx, tenant, k)
	if err != nil {
		return ringKey{}, err
	}
	defer clear(raw)
	fresh, err := s.wrap(ctx, tenant, k.ID, raw)
	fresh.Rotated = k.Rotated
	return fresh, err
}

// Shred destroys every data key of a tenant, for ever: whatever it sealed or signed answers [storage.ErrShredded]
// from now on (in other processes after Options.TTL at the latest), and the tenant never gets a new key. It does the
// same for a tenant that has no key yet, and may be repeated. The installation cannot be shredded.
func (s *Sealer) Shred(ctx context.Context, tenant string) error {
	if tenant == "" {
		return fmt.Errorf("%w: the installation's own data keys cannot be shredded", storage.ErrInvalid)
	}
	for {
		r, version, err := s.readRing(ctx, tenant)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			version = 0
		case errors.Is(err, storage.ErrDamaged) && version > 0: // what cannot be read can still be destroyed
		case err != nil:
			return err
		case r.Shredded:
			s.remember(tenant, r, version)
			return nil
		}
		err = s.writeRing(ctx, tenant, ring{Shredded: true}, version)
		if err != nil && !errors.Is(err, storage.ErrConflict) {
			return err // perhaps it was stored; a repetition finds out
		}
	}
}

func (s *Sealer) storeTime(ctx context.Context) (time.Time, error) {
	c, err := s.store.Claim(ctx, storage.Claim{})
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the store for its time: %w", err)
	}
	return storage.Instant(c.Now), nil
}
