package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// SweptKind names a kind of records that are signed by a [storage.Repo].
type SweptKind struct {
	Kind         string
	Installation bool // as in the Repo's Spec: signed with the installation's key, whatever their tenant
}

// SweepOptions say what a [Sealer.Sweep] works on.
type SweepOptions struct {
	// Kinds are all the kinds that are kept with this sealer, [storage.KindSecret] aside, which is always swept.
	// A kind that is left out loses its signatures when an old key is destroyed: name them all.
	Kinds []SweptKind

	Limit int    // about how many records to look at in this call; 0: all
	From  Cursor // where an earlier call stopped: its Swept.Next
}

// Cursor is the place where a sweep stopped. The zero Cursor is the beginning.
type Cursor struct {
	Tenant string           `json:"tenant"`          // whose keys
	Kind   int              `json:"kind,omitempty"`  // how many kinds are done
	After  storage.Position `json:"after,omitzero"`  // the last record that was looked at
	Kinds  string           `json:"kinds,omitempty"` // of the pass; with other ones it begins again
	Began  time.Time        `json:"began,omitzero"`  // when this tenant's pass began; zero: not yet
	Clean  bool             `json:"clean,omitempty"` // nothing in this pass still needs an old key
}

// Swept is what one call of [Sealer.Sweep] did.
type Swept struct {
	Looked   int     // records read
	Resealed int     // records sealed or signed anew
	Retired  int     // old data keys destroyed, because nothing needs them any more
	Kept     int     // records that could not be renewed and still need an old key; Errors says why
	Errors   []error // the first 20 of them
	Done     bool    // every tenant's pass was finished
	Next     Cursor  // where to continue, if not Done
}

// Sweep seals and signs anew, under each tenant's active data key, what was made with an older one: page by page,
// record by record by compare-and-swap, so that everybody else can go on working. Tenants that have no older key cost
// nothing. At the end of a tenant's pass those older keys are destroyed that were rotated out Options.KeepOld before
// the pass began, unless the pass met a record that it could not renew.
//
// It can be stopped at any point and continued from Next, also after an error, or begun again. The error is a store
// or a key wrapper out of reach; single unreadable records are only counted.
func (s *Sealer) Sweep(ctx context.Context, o SweepOptions) (Swept, error) {
	w := &sweep{sealer: s, kinds: append([]SweptKind{{Kind: storage.KindSecret}}, o.Kinds...), limit: o.Limit}
	w.swept.Next = o.From
	if w.swept.Next.Kinds != w.names() || o.From.Kind < 0 {
		w.swept.Next = Cursor{Tenant: o.From.Tenant}
	}
	for rec, err := range s.rings(ctx, o.From.Tenant) {
		if err != nil {
			return w.swept, err
		}
		if rec.Tenant != w.swept.Next.Tenant {
			w.swept.Next = Cursor{Tenant: rec.Tenant}
		}
		if w.full() {
			return w.swept, nil
		}
		if done, err := w.tenant(ctx, rec); !done || err != nil {
			return w.swept, err
		}
	}
	w.swept.Done, w.swept.Next = true, Cursor{}
	return w.swept, nil
}

type sweep struct {
	sealer *Sealer
	kinds  []SweptKind
	limit  int
	swept  Swept
}

func (w *sweep) full() bool { return w.limit > 0 && w.swept.Looked >= w.limit }

func (w *sweep) names() string { return fmt.Sprintf("%v", w.kinds) }

// tenant continues, or makes, the pass over what one tenant's keys protect, and reports whether it came to its end.
func (w *sweep) tenant(ctx context.Context, rec storage.Record) (done bool, err error) {
	at := &w.swept.Next
	r, err := decodeRing(rec)
	if err != nil {
		w.keep(err)
		return true, nil
	}
	if len(r.Keys) < 2 {
		return true, nil
	}
	w.sealer.remember(rec.Tenant, r, rec.Version) // so that this process seals with the key that is active now
	if at.Began.IsZero() {
		began, err := w.sealer.storeTime(ctx)
		if err != nil {
			return false, err
		}
		*at = Cursor{Tenant: rec.Tenant, Kinds: w.names(), Began: began, Clean: true}
	}
	for at.Kind < len(w.kinds) {
		if w.full() {
			return false, nil
		}
		last, err := w.page(ctx, rec.Tenant, w.kinds[at.Kind])
		if err != nil {
			return false, err
		}
		if last {
			at.Kind, at.After = at.Kind+1, storage.Position{}
		}
	}
	if at.Clean {
		if err := w.retire(ctx, rec.Tenant, at.Began); err != nil {
			return false, err
		}
	}
	*at = Cursor{Tenant: rec.Tenant}
	return true, nil
}

const sweepPage = 100

// page renews one page of the records of one kind that a tenant's keys protect, and reports whether it was the last.
func (w *sweep) page(ctx context.Context, tenant string, kind SweptKind) (last bool, err error) {
	if kind.Installation && tenant != "" {
		return true, nil
	}
	at := &w.swept.Next
	size := sweepPage
	if w.limit > 0 {
		size = min(size, w.limit-w.swept.Looked)
	}
	q := storage.Query{Kind: kind.Kind, Tenant: tenant, AllTenants: kind.Installation, After: at.After, Limit: size}
	records, err := w.sealer.store.List(ctx, q)
	if err != nil {
		return false, fmt.Errorf("listing the records of kind %q to sweep: %w", kind.Kind, err)
	}
	for _, rec := range records {
		if err := w.renew(ctx, rec, kind.Installation); err != nil {
			return false, err
		}
		w.swept.Looked++
		at.After = rec.Position()
	}
	return len(records) < size, nil
}

// renew seals or signs one record anew, if an older key made it.
func (w *sweep) renew(ctx context.Context, rec storage.Record, installation bool) error {
	for range 5 {
		fresh, stale, err := storage.Resealed(ctx, w.sealer, rec, installation)
		if errors.Is(err, storage.ErrKeyUnavailable) {
			return err
		}
		if err != nil {
			w.keep(err)
			return nil
		}
		if !stale {
			return nil
		}
		err = w.sealer.store.Commit(ctx, storage.Write{Put: []storage.Record{fresh}})
		if err == nil {
			w.swept.Resealed++
			return nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return fmt.Errorf("storing %v, sealed anew: %w", rec.RecordKey, err)
		}
		rec, err = w.sealer.store.Get(ctx, rec.RecordKey)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	w.keep(&storage.ConflictError{Key: rec.RecordKey})
	return nil
}

// keep notes that a record may still need an old key.
func (w *sweep) keep(err error) {
	w.swept.Kept++
	w.swept.Next.Clean = false
	if len(w.swept.Errors) < maxErrors {
		w.swept.Errors = append(w.swept.Errors, err)
	}
}

// retire destroys the tenant's old keys that nobody can have used since the pass began.
func (w *sweep) retire(ctx context.Context, tenant string, began time.Time) error {
	r, version, err := w.sealer.readRing(ctx, tenant)
	if err != nil {
		return err
	}
	unused := func(k ringKey) bool {
		return k.ID != r.Active && !k.Rotated.IsZero() && !k.Rotated.Add(w.sealer.o.KeepOld).After(began)
	}
	next := ring{Active: r.Active, Keys: slices.DeleteFunc(slices.Clone(r.Keys), unused), Shredded: r.Shredded}
	if len(next.Keys) == len(r.Keys) {
		return nil
	}
	err = w.sealer.writeRing(ctx, tenant, next, version)
	if errors.Is(err, storage.ErrConflict) {
		return nil // somebody else is at work on the ring; the next pass looks again
	}
	if err != nil {
		return err
	}
	w.swept.Retired += len(r.Keys) - len(next.Keys)
	w.sealer.remember(tenant, next, version+1)
	return nil
}
