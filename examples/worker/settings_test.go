package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/internal/pgserver"
)

// What renews credentials and what moves devices never wait for each other's slots.
func TestEveryKindHasItsQueue(t *testing.T) {
	queues := map[string][]string{}
	for _, kind := range runner.Kinds() {
		queues[queueOf(kind)] = append(queues[queueOf(kind)], kind)
	}
	assert.Equal(t, map[string][]string{
		queueCredentials: {runner.KindRenewal, runner.KindServer, runner.KindPushRenewal, runner.KindPush, runner.KindProposal},
		queueDevices:     {runner.KindPlan, runner.KindWave, runner.KindBatch, runner.KindMove},
	}, queues)
}

// bare runs the program without any settings of a stage.
func bare(t *testing.T, args ...string) (status int, problem string) {
	t.Helper()
	var out, e bytes.Buffer
	status = execute(t.Context(), args, process{out: &out, err: &e})
	return status, e.String()
}

// A mistake is told before anything is touched, in words that say what to do, and without the password.
func TestMistakesAreTold(t *testing.T) {
	t.Setenv("ABMRENEW_DSN", "")
	for problem, args := range map[string][]string{
		"see worker --help":                {"walk"},
		"set ABMRENEW_DSN":                 {"migrate"},
		"is no connection string":          {"--dsn", "postgres://u:canary-password@[::1", "migrate"},
		"the queues are":                   {"run", "--queues", "renewals=2"},
		"1 to 100 slots":                   {"run", "--queues", "devices=0"},
		"--shards has to be from 1 to 256": {"run", "--shards", "0"},
		"--batch has to be from 1 to 1000": {"run", "--batch", "2000"},
		"have to be a second at least":     {"run", "--every", "10ms"},
		"--grace has to be more":           {"run", "--grace", "0s"},
		"no such file":                     {"--keyring", "/nonexistent", "keys", "add"},
	} {
		status, text := bare(t, args...)
		assert.NotZero(t, status)
		assert.Contains(t, text, problem, "%v", args)
		assert.NotContains(t, text, "canary-password")
	}
	status, _ := bare(t, "walk")
	assert.Equal(t, 2, status)
}

// Of two machines that start at once each would make its own keyring: so none is made but by keys create, on an empty database.
func TestAKeyringIsNeverMadeBesideADatabaseThatHasOne(t *testing.T) {
	t.Parallel()
	s := shared(t)
	s.customer("acme")
	require.NoError(t, os.Rename(s.path("keyring"), s.path("elsewhere")))
	for _, args := range [][]string{{"run", "--listen", "127.0.0.1:0"}, {"audit", "verify"}, {"keys", "rotate"}, {"keys", "create"}} {
		status, _, problem := s.command(args...)
		assert.Equal(t, 1, status, "%v", args)
		assert.NotEmpty(t, problem)
		assert.NoFileExists(t, s.path("keyring"), "%v", args)
	}
	_, _, problem := s.command("audit", "verify")
	assert.Contains(t, problem, "copy it here from the machine that has it")

	require.NoError(t, os.Rename(s.path("elsewhere"), s.path("keyring")))
	require.NoError(t, os.Chmod(s.path("keyring"), 0o644))
	_, _, problem = s.command("audit", "verify")
	assert.Contains(t, problem, "chmod 600")
	require.NoError(t, os.Chmod(s.path("keyring"), 0o600))
	s.ok("audit", "verify")
	status, _, problem := s.command("keys", "create")
	assert.Equal(t, 1, status)
	assert.Contains(t, problem, "it stays as it is")
}

// A worker does not begin on tables that are not its own.
func TestAWorkerNeedsItsTables(t *testing.T) {
	t.Parallel()
	var out, e bytes.Buffer
	args := []string{"--dsn", pgserver.DSN(t), "--schema", "nobody_made_it", "run", "--listen", "127.0.0.1:0"}
	assert.Equal(t, 1, execute(t.Context(), args, process{out: &out, err: &e}))
	assert.Contains(t, e.String(), "worker migrate does it")
	s := shared(t)
	_, err := s.pool.Exec(t.Context(), `DELETE FROM `+s.schema+`.river_migration WHERE version = (SELECT max(version) FROM `+s.schema+`.river_migration)`)
	require.NoError(t, err)
	status, _, problem := s.command("run", "--listen", "127.0.0.1:0")
	assert.Equal(t, 1, status)
	assert.Contains(t, problem, "run worker migrate")
}

// After new keys everything can be read, also by processes that began before, and sealed with the old ones is nothing.
func TestKeysAreRotatedWhileWorkersRun(t *testing.T) {
	t.Parallel()
	s := shared(t)
	acme := s.customer("acme")
	kept := sightings.New(s.store, s.host.sealer, kindSighting)
	_, _, err := kept.Saw(t.Context(), "acme", sighting("U1", "C1", s.clock.Now()))
	require.NoError(t, err)
	w := s.start()
	before, err := readKey(s.path("keyring"))
	require.NoError(t, err)
	assert.Contains(t, s.ok("keys", "add"), "copy it to every machine")
	after, err := readKey(s.path("keyring"))
	require.NoError(t, err)
	assert.False(t, before.Equal(after))
	assert.NotContains(t, s.ok("keys", "rotate", "--actor", "tess"), " 0 records sealed anew")
	var old int
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+s.schema+`.records WHERE kind = 'worker_sighting' AND version = 1`).Scan(&old))
	assert.Zero(t, old, "sightings are signed anew, too")
	require.NoError(t, acme.renew(t.Context(), ""))
	assert.EqualValues(t, 2, acme.view().Token.Generation)
	s.ok("audit", "verify")
	assert.Zero(t, w.end(), "%s", w.log)
}
