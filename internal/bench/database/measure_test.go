package database

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func TestMain(m *testing.M) {
	status := m.Run()
	pgserver.Finish()
	os.Exit(status)
}

// Everything that is measured, in small, and again on what is there already.
func TestMeasure(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), pgserver.DSN(t))
	require.NoError(t, err)
	defer pool.Close()
	keys := seal.MemoryKeyring()
	var figures []Figure
	times := 2
	if testing.Short() {
		times = 1
	}
	for range times {
		figures, err = Measure(t.Context(), pool, keys, Small, func(string) {})
		require.NoError(t, err)
	}
	goals := 0
	for _, f := range figures {
		t.Logf("%+v", f)
		assert.Positive(t, f.Ratio, f.Name)
		assert.NotEmpty(t, f.Ours, f.Name)
		assert.NotEmpty(t, f.Beside, f.Name)
		if words, _ := f.goal(); words != "" {
			goals++
		}
	}
	assert.Len(t, figures, 8)
	assert.Equal(t, 7, goals)
}
