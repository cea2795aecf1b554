package storage

import "fmt"

// Validate reports, as an error that wraps [ErrInvalid], why no store may apply w. Adapters call it first.
func (w Write) Validate() error {
	n := len(w.Put) + len(w.Hold) + len(w.Delete)
	if n > MaxWriteSize {
		return fmt.Errorf("%w: a write of %d records, more than %d", ErrInvalid, n, MaxWriteSize)
	}
	seen := make(map[RecordKey]struct{}, n)
	once := func(k RecordKey, version int64, least int64) error {
		if _, twice := seen[k]; twice {
			return fmt.Errorf("%w: %v is named twice in one write", ErrInvalid, k)
		}
		if version < least {
			return fmt.Errorf("%w: %v at version %d", ErrInvalid, k, version)
		}
		seen[k] = struct{}{}
		return k.Validate()
	}
	for _, r := range w.Put {
		if err := once(r.RecordKey, r.Version, 0); err != nil {
			return err
		}
		if err := r.Validate(); err != nil {
			return err
		}
	}
	for _, h := range w.Hold {
		if err := once(h.RecordKey, h.Version, 0); err != nil {
			return err
		}
	}
	for _, d := range w.Delete {
		if err := once(d.RecordKey, d.Version, 1); err != nil {
			return err
		}
	}
	return nil
}

// Validate reports, as an error that wraps [ErrInvalid], why no store may answer c.
func (c Claim) Validate() error {
	if err := c.Shard.Validate(); err != nil {
		return err
	}
	switch {
	case c.Limit == 0:
		return nil
	case c.Limit < 0 || c.Limit > MaxPage:
		return fmt.Errorf("%w: a claim of %d records; 0 to %d", ErrInvalid, c.Limit, MaxPage)
	case c.Lease <= 0:
		return fmt.Errorf("%w: a claim needs a lease", ErrInvalid)
	case len(c.Kinds) == 0 && len(c.Keys) == 0:
		return fmt.Errorf("%w: a claim needs kinds or keys", ErrInvalid)
	case len(c.Keys) > MaxWriteSize:
		return fmt.Errorf("%w: a claim of %d named records, more than %d", ErrInvalid, len(c.Keys), MaxWriteSize)
	}
	return nil
}

// ValidateKeys reports, as an error that wraps [ErrInvalid], why no store may read these records at once.
func ValidateKeys(keys []RecordKey) error {
	if len(keys) > MaxWriteSize {
		return fmt.Errorf("%w: %d records are named at once, more than %d", ErrInvalid, len(keys), MaxWriteSize)
	}
	for _, k := range keys {
		if err := k.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate reports, as an error that wraps [ErrInvalid], why no store may answer q with records.
func (q Query) Validate() error {
	if q.Kind == "" {
		return fmt.Errorf("%w: a query needs a kind", ErrInvalid)
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return fmt.Errorf("%w: a query for %d records; 1 to %d", ErrInvalid, q.Limit, MaxPage)
	}
	return nil
}
