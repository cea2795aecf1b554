package storage_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// A value and the secret that belongs to it are stored in one write; whoever comes second is told.
func Example() {
	type credential struct {
		Name  string            `json:"name"`
		Token storage.SecretRef `json:"token"` // the secret itself lies in a record of its own
	}
	ctx := context.Background()
	store := memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	vault := storage.NewVault(store, sealer)
	repo := storage.NewRepo(store, sealer, storage.Spec[credential]{Kind: "credential", Schema: 1})

	ref := storage.SecretRef{Tenant: "acme", Owner: "srv_01", Kind: "token", ID: "tok_01", Generation: 1}
	secret, err := vault.Seal(ctx, ref, []byte("the token"))
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := repo.Encode(ctx, repo.New("acme", "srv_01", credential{Name: "Acme MDM", Token: ref}))
	if err != nil {
		fmt.Println(err)
		return
	}
	both := storage.Write{Put: []storage.Record{value, secret}}
	fmt.Println(store.Commit(ctx, both))
	fmt.Println(errors.Is(store.Commit(ctx, both), storage.ErrConflict))

	item, err := repo.Get(ctx, "acme", "srv_01")
	fmt.Println(item.Value.Name, item.Version, err)
	token, err := vault.Open(ctx, item.Value.Token)
	fmt.Println(string(token), err)
	// Output:
	// <nil>
	// true
	// Acme MDM 1 <nil>
	// the token <nil>
}
