package storage

import (
	"context"
	"encoding/json"
	"fmt"
)

// Resealed returns the record of a [Vault] or a [Repo] with its secret sealed anew, or its signature made
// anew, under the tenant's present data key, for a Put at the record's version. It returns false, and no
// record, if the present key is already in use. The record's value and columns stay as they are.
func Resealed(ctx context.Context, sealer Sealer, rec Record, installation bool) (Record, bool, error) {
	if rec.Kind == KindSecret {
		return resealedSecret(ctx, sealer, rec)
	}
	return resignedSnapshot(ctx, sealer, rec, installation)
}

func resealedSecret(ctx context.Context, sealer Sealer, rec Record) (Record, bool, error) {
	s, err := decodeSecret(rec)
	if err != nil {
		return Record{}, false, err
	}
	if stale, err := sealer.Stale(ctx, rec.Tenant, s.Sealed); err != nil || !stale {
		return Record{}, false, about(rec, err)
	}
	secret, err := sealer.Open(ctx, rec.Tenant, s.Ref.place(), s.Sealed)
	if err != nil {
		return Record{}, false, about(rec, err)
	}
	sealed, err := sealer.Seal(ctx, rec.Tenant, s.Ref.place(), secret)
	clear(secret)
	if err != nil {
		return Record{}, false, about(rec, err)
	}
	fresh, err := secretRecord(s.Ref, sealed)
	if err != nil {
		return Record{}, false, err
	}
	rec.Data = fresh.Data
	return rec, true, nil
}

func resignedSnapshot(ctx context.Context, sealer Sealer, rec Record, installation bool) (Record, bool, error) {
	var s snapshot
	if err := json.Unmarshal(rec.Data, &s); err != nil {
		return Record{}, false, fmt.Errorf("%w: %v: is no snapshot", ErrDamaged, rec.RecordKey)
	}
	as := signer(rec.RecordKey, installation)
	if stale, err := sealer.Stale(ctx, as, s.MAC); err != nil || !stale {
		return Record{}, false, about(rec, err)
	}
	if err := verify(ctx, sealer, as, rec.RecordKey, s); err != nil {
		return Record{}, false, err
	}
	data, err := sign(ctx, sealer, as, rec.RecordKey, s.Schema, s.Value)
	if err != nil {
		return Record{}, false, err
	}
	rec.Data = data
	return rec, true, nil
}

func about(rec Record, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sealing %v anew: %w", rec.RecordKey, err)
}
