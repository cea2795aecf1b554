package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New(nil)
	key := storage.RecordKey{Kind: "server", Tenant: "acme", ID: "srv_1"}

	first := storage.Record{RecordKey: key, State: "active", Data: []byte("{}")}
	fmt.Println(store.Commit(ctx, storage.Write{Put: []storage.Record{first}}))

	read, err := store.Get(ctx, key)
	fmt.Println(read.State, read.Version, err)

	// The first record was read before anything was stored: it is not what is there now.
	err = store.Commit(ctx, storage.Write{Put: []storage.Record{first}})
	fmt.Println(errors.Is(err, storage.ErrConflict), err)
	// Output:
	// <nil>
	// active 1 <nil>
	// true storage: server acme/srv_1 was changed by somebody else
}
