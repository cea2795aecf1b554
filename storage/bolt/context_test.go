package bolt_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// late is a context that is cancelled when it has been looked at some times.
type late struct {
	context.Context
	looks int
}

func (l *late) Err() error {
	if l.looks--; l.looks < 0 {
		return context.Canceled
	}
	return nil
}

// A commit that is cancelled at any moment before it is durable is not done, and says so.
func TestACommitThatIsCancelledOnItsWayIsNotDone(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "test.db"), nil)
	r := storage.Record{RecordKey: storage.RecordKey{Kind: "server", ID: "1"}}
	looks := 0
	for ; ; looks++ {
		err := s.Commit(&late{t.Context(), looks}, storage.Write{Put: []storage.Record{r}})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Get(t.Context(), r.RecordKey)
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	require.GreaterOrEqual(t, looks, 2, "it looks before it begins and before it ends")
	_, err := s.Get(t.Context(), r.RecordKey)
	require.NoError(t, err)
}
