package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

func Example() {
	dir, err := os.MkdirTemp("", "abmrenew")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "abmrenew.db")
	ctx := context.Background()

	store, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		panic(err)
	}
	key := storage.RecordKey{Kind: "server", Tenant: "acme", ID: "srv_1"}
	err = store.Commit(ctx, storage.Write{Put: []storage.Record{{RecordKey: key, State: "active", Data: []byte("{}")}}})
	fmt.Println(err, store.Close())

	// Another process, or the same one after a crash; Shared holds the file for each call only.
	read, err := bolt.Shared(path, bolt.Options{}).Get(ctx, key)
	fmt.Println(read.State, read.Version, err)
	// Output:
	// <nil> <nil>
	// active 1 <nil>
}
