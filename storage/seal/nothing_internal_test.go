package seal

import (
	"context"

	"github.com/abmrenew/abmrenew/storage"
)

// nothingStored is an empty store; whatever else is asked of it panics.
type nothingStored struct{ storage.Store }

func (nothingStored) List(context.Context, storage.Query) ([]storage.Record, error) { return nil, nil }
