package seal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// world is a store with secrets, snapshots signed by their tenant and a ledger signed by the installation.
type world struct {
	store  *fakeStore
	keys   *fakeKMS
	sealer *seal.Sealer
	vault  *storage.Vault
	things *storage.Repo[thing]
	ledger *storage.Repo[thing]
}

type thing struct {
	Name string `json:"name"`
}

var (
	allKinds = []seal.SweptKind{{Kind: "thing"}, {Kind: "ledger", Installation: true}}
	tenants  = []string{"acme", "umbrella"}
)

const perKind = 3 // records of each kind and tenant

func openWorld(t testing.TB, store *fakeStore, keys *fakeKMS, now func() time.Time) *world {
	t.Helper()
	s := newSealer(t, store, keys, seal.Options{Now: now})
	return &world{
		store: store, keys: keys, sealer: s,
		vault:  storage.NewVault(store, s),
		things: storage.NewRepo(store, s, storage.Spec[thing]{Kind: "thing", Schema: 1}),
		ledger: storage.NewRepo(store, s, storage.Spec[thing]{Kind: "ledger", Schema: 1, Installation: true}),
	}
}

// filledWorld has two tenants, each with perKind records of each kind.
func filledWorld(t testing.TB) *world {
	t.Helper()
	w := openWorld(t, newStore(), newKMS(), nil)
	for _, tenant := range tenants {
		for i := range perKind {
			w.fill(t, tenant, i)
		}
	}
	return w
}

func (w *world) fill(t testing.TB, tenant string, i int) {
	t.Helper()
	ctx := context.Background()
	secret, err := w.vault.Seal(ctx, ref(tenant, i), []byte(text(tenant, i)))
	require.NoError(t, err)
	id := fmt.Sprint(i)
	one, err := w.things.Encode(ctx, w.things.New(tenant, id, thing{text(tenant, i)}))
	require.NoError(t, err)
	two, err := w.ledger.Encode(ctx, w.ledger.New(tenant, id, thing{text(tenant, i)}))
	require.NoError(t, err)
	require.NoError(t, w.store.Commit(ctx, storage.Write{Put: []storage.Record{secret, one, two}}))
}

func ref(tenant string, i int) storage.SecretRef {
	return storage.SecretRef{Tenant: tenant, Owner: "srv", Kind: "token", ID: fmt.Sprint(i), Generation: 1}
}

func text(tenant string, i int) string { return fmt.Sprintf("value %d of %s", i, tenant) }

// requireAllReadable reads everything in the world through a process that has just started.
func (w *world) requireAllReadable(t testing.TB, why string) {
	t.Helper()
	ctx := context.Background()
	fresh := openWorld(t, w.store, w.keys, nil)
	for _, tenant := range tenants {
		for i := range perKind {
			got, err := fresh.vault.Open(ctx, ref(tenant, i))
			require.NoError(t, err, why)
			require.Equal(t, text(tenant, i), string(got), why)
			one, err := fresh.things.Get(ctx, tenant, fmt.Sprint(i))
			require.NoError(t, err, why)
			require.Equal(t, text(tenant, i), one.Value.Name, why)
			two, err := fresh.ledger.Get(ctx, tenant, fmt.Sprint(i))
			require.NoError(t, err, why)
			require.Equal(t, text(tenant, i), two.Value.Name, why)
		}
	}
}
