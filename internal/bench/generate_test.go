package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/internal/installation"
	"github.com/abmrenew/abmrenew/internal/pgserver"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func TestMain(m *testing.M) {
	status := m.Run()
	pgserver.Finish()
	os.Exit(status)
}

// The command makes an installation in a file or a database, a second call has nothing left to do, and a runner with the
// keyring goes on with what is there.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	keyring := filepath.Join(dir, "keys")
	for name, where := range map[string]wanted{
		"bolt":     {file: filepath.Join(dir, "store.db"), keyring: keyring},
		"postgres": {dsn: pgserver.DSN(t), schema: "generate", keyring: keyring},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-keyring", keyring, "-servers", "20", "-devices", "450", "-seed", "3"}
			if where.file != "" {
				args = append(args, "-bolt", where.file)
			} else {
				args = append(args, "-dsn", where.dsn, "-schema", where.schema)
			}
			for range 2 {
				var out bytes.Buffer
				require.NoError(t, command(t.Context(), append([]string{"generate"}, args...), &out))
				assert.Contains(t, out.String(), "20 of 20 servers, 500 of 450 devices")
			}
			store, shut, err := where.open(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, shut()) }()
			counts, err := store.Count(t.Context(), storage.Query{Kind: runner.KindDevice, AllTenants: true})
			require.NoError(t, err)
			assert.Equal(t, map[string]int{"": 500}, counts)
			keys, err := seal.OpenKeyring(keyring, false)
			require.NoError(t, err)
			sealer, err := seal.New(store, keys, seal.Options{})
			require.NoError(t, err)
			r, err := runner.New(installation.Apple{}.Plug(runner.Config{Store: store, Sealer: sealer}))
			require.NoError(t, err)
			ran, err := r.RunDue(t.Context(), runner.Due{Limit: 200})
			require.NoError(t, err)
			assert.Positive(t, ran.Claimed)
			assert.Zero(t, ran.Failed)
		})
	}
}

func TestGenerateSaysWhatItNeeds(t *testing.T) {
	for _, args := range [][]string{
		{}, {"-keyring", "k"}, {"-bolt", "f"}, {"-bolt", "f", "-dsn", "d", "-keyring", "k"}, {"-servers", "many"},
		{"-dsn", "port=x", "-keyring", "k"}, {"-bolt", filepath.Join(t.TempDir(), "no", "folder"), "-keyring", "k"},
	} {
		require.Error(t, generate(t.Context(), &bytes.Buffer{}, args), "%v", args)
	}
	var help bytes.Buffer
	require.NoError(t, generate(t.Context(), &help, []string{"-h"}))
	assert.Contains(t, help.String(), "-devices")
}

// Interrupted, it says so.
func TestGenerateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	err := generate(ctx, &bytes.Buffer{}, []string{"-bolt", filepath.Join(dir, "s.db"), "-keyring", filepath.Join(dir, "k")})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRates(t *testing.T) {
	p := installation.Progress{Servers: 20, Devices: 1000, Records: 4200, Of: installation.Size{Servers: 40, Devices: 2000}}
	assert.Equal(t, "    10 s: 20 of 40 servers, 1000 of 2000 devices; 100 devices and 420 of their records a second", rates(p, 10*time.Second))
}
