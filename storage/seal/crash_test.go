package seal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

var errCrash = errors.New("the power went out")

// turnover rotates every key, renews every record and destroys one tenant, as a host's maintenance would.
func (w *world) turnover() error {
	ctx := context.Background()
	for _, tenant := range append(tenants, "") {
		if err := w.sealer.RotateDataKey(ctx, tenant); err != nil {
			return err
		}
	}
	if _, err := w.sealer.RewrapAll(ctx); err != nil {
		return err
	}
	for range 2 {
		o := seal.SweepOptions{Kinds: allKinds, Limit: 4}
		for done := false; !done; {
			swept, err := w.sealer.Sweep(ctx, o)
			if err != nil {
				return err
			}
			if swept.Kept > 0 {
				return fmt.Errorf("%d records kept: %w", swept.Kept, errors.Join(swept.Errors...))
			}
			o.From, done = swept.Next, swept.Done
		}
		w.store.advance(aDay)
	}
	return w.sealer.Shred(ctx, "leaver")
}

// A power cut at every single call to the store or the key service, before or after it was done: everything stays
// readable, and the maintenance can be begun again by the next process.
func TestACrashAtAnyStepLosesNothing(t *testing.T) {
	for _, how := range []string{"crash before", "crash after", "one error before", "one error after"} {
		t.Run(how, func(t *testing.T) {
			steps := 0
			for survived := false; !survived; steps++ {
				survived = crashAt(t, how, steps)
			}
			t.Logf("%d steps", steps)
			require.Greater(t, steps, 80)
		})
	}
}

func crashAt(t *testing.T, how string, step int) (survived bool) {
	w := filledWorld(t)
	mustSeal(t, w.sealer, "leaver", "secret")
	require.NoError(t, w.keys.Rotate())
	calls := 0
	fail := func() error {
		calls++
		if calls-1 == step || calls-1 > step && (how == "crash before" || how == "crash after") {
			return errCrash
		}
		return nil
	}
	switch how {
	case "crash before", "one error before":
		w.store.before = func(string) error { return fail() }
		w.keys.before = func(context.Context, string) error { return fail() }
	default:
		w.store.after = func(string) error { return fail() }
	}
	err := w.turnover()
	survived = calls <= step
	if survived {
		require.NoError(t, err)
	} else if how == "crash before" || how == "crash after" { // a single error may have been got over
		require.Error(t, err, "step %d", step)
	}

	why := fmt.Sprintf("%s, step %d", how, step)
	w.keys.before = nil
	next := openWorld(t, w.store.reopened(), w.keys, nil)
	next.requireAllReadable(t, why)
	require.NoError(t, next.turnover(), why)
	next.requireAllReadable(t, why)
	next.requireOneKeyEach(t, why)
	return survived
}

func (w *world) requireOneKeyEach(t *testing.T, why string) {
	t.Helper()
	count, err := w.sealer.MasterKeys(context.Background())
	require.NoError(t, err)
	require.Equal(t, map[string]int{w.keys.IDs()[0]: len(tenants) + 1}, count, why)
	_, err = w.sealer.Seal(context.Background(), "leaver", place, nil)
	require.ErrorIs(t, err, storage.ErrShredded, why)
}

// The same for the first key of a tenant.
func TestACrashAtAnyStepOfTheFirstKeyLosesNothing(t *testing.T) {
	for step := range 10 {
		store, kms := newStore(), newKMS()
		s := newSealer(t, store, kms, seal.Options{})
		calls := 0
		fail := func() error {
			if calls++; calls > step {
				return errCrash
			}
			return nil
		}
		store.after = func(string) error { return fail() }
		kms.before = func(context.Context, string) error { return fail() }
		sealed, err := s.Seal(context.Background(), "acme", place, []byte("secret"))
		store.after, kms.before = nil, nil
		fresh := newSealer(t, store.reopened(), kms, seal.Options{})
		if err == nil {
			requireOpens(t, fresh, "acme", "secret", sealed)
		}
		requireOpens(t, fresh, "acme", "again", mustSeal(t, fresh, "acme", "again"))
	}
}
