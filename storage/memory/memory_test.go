package memory_test

import (
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, storagetest.Factory{
		New: func(_ testing.TB, now func() time.Time) storage.Store { return memory.New(now) },
	})
}
