package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/bench/database"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

func TestMeasuringOnPostgreSQL(t *testing.T) {
	var out bytes.Buffer
	keyring := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, command(t.Context(), []string{"postgres", "-small", "-dsn", pgserver.DSN(t), "-keyring", keyring}, &out))
	assert.Contains(t, out.String(), "measuring the daily watch\n| figure ")
}

func TestMeasuringSaysWhatItNeeds(t *testing.T) {
	for _, args := range [][]string{
		{"-dsn", "d"}, {"-keyring", "k"}, {"-small", "-update"}, {"-big"}, {"-dsn", "port=x", "-keyring", filepath.Join(t.TempDir(), "k")},
	} {
		require.Error(t, measurePostgres(t.Context(), &bytes.Buffer{}, args), "%v", args)
	}
	var help bytes.Buffer
	require.NoError(t, measurePostgres(t.Context(), &help, []string{"-h"}))
	assert.Contains(t, help.String(), "-keyring")
}

// What is kept is shown: a plot in its file, and a table in the guide.
func TestShow(t *testing.T) {
	kept, err := database.Kept()
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.ErrorContains(t, show(kept), "root of the repository")
	require.NoError(t, os.MkdirAll(filepath.Dir(plotFile), 0o700))
	require.ErrorContains(t, show(kept), "root of the repository")
	begin, end := marks("postgres")
	require.NoError(t, os.MkdirAll(filepath.Dir(guideFile), 0o700))
	require.NoError(t, os.WriteFile(guideFile, []byte(begin+end), 0o600))
	require.NoError(t, show(kept))
	guide, err := os.ReadFile(guideFile)
	require.NoError(t, err)
	assert.Equal(t, begin+kept.Table()+"\n"+kept.Origin+".\n"+end, string(guide))
	plot, err := os.ReadFile(plotFile)
	require.NoError(t, err)
	assert.Equal(t, kept.Plot(), plot)
}
