package seal_test

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// A secret goes into the store sealed, and both keys are rotated while it is there.
func Example() {
	ctx := context.Background()
	store := newStore()          // in a program: bolt.Open, or the host's database
	keys := seal.MemoryKeyring() // in a program: seal.OpenKeyringFor, seal.EnvKeyring, or the host's KMS
	sealer, err := seal.New(store, keys, seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	vault := storage.NewVault(store, sealer)
	ref := storage.SecretRef{Tenant: "acme", Owner: "srv_01", Kind: "token", ID: "tok_01", Generation: 1}
	rec, err := vault.Seal(ctx, ref, []byte("the server token"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stored:", store.Commit(ctx, storage.Write{Put: []storage.Record{rec}}))

	fmt.Println("new master key:", keys.Rotate())
	n, err := sealer.RewrapAll(ctx)
	fmt.Println("data keys rewrapped:", n, err)

	fmt.Println("new data key:", sealer.RotateDataKey(ctx, "acme"))
	swept, err := sealer.Sweep(ctx, seal.SweepOptions{})
	fmt.Println("secrets sealed anew:", swept.Resealed, err)

	secret, err := vault.Open(ctx, ref)
	fmt.Println(string(secret), err)
	// Output:
	// stored: <nil>
	// new master key: <nil>
	// data keys rewrapped: 1 <nil>
	// new data key: <nil>
	// secrets sealed anew: 1 <nil>
	// the server token <nil>
}
