package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/pgserver"
)

func TestTheStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, embed(t.Context(), &out, pgserver.DSN(t), nil), "%s", &out)
	t.Log("\n" + out.String())
	for _, told := range []string{
		"20 added, 1 refused; once more: nothing changes.",
		"Acme, first cluster: active, 364 days left",
		"Beta is another team's: 404 not_found",
		"the wrong file: 422 not_server_token",
		"completed",
		"Tess approves her own plan: 403 own_approval",
		"Bert approves it: the plan is cooling",
		"the plan is completed",
		"MACBOOK1: at mdm-2, erased 1 times",
		"PHONE1: at mdm-2, erased 0 times",
		"SHAREDPAD: at mdm-1, erased 0 times",
		"(thrown: true)",
		"and 0 faults",
	} {
		assert.Contains(t, out.String(), told)
	}
}

// Whoever has no PostgreSQL hears what is missing, and what to do.
func TestWithoutADatabaseItSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := embed(t.Context(), &out, "", func() (*pgserver.Server, error) { return nil, errors.New("no initdb in the path") })
	for _, told := range []string{"PostgreSQL 14", "no initdb in the path", "apt-get install postgresql", "--dsn", "ABMRENEW_TEST_DSN"} {
		require.ErrorContains(t, err, told)
	}
	require.ErrorContains(t, embed(t.Context(), &out, "host=/nowhere user=nobody", nil), "/nowhere")
	assert.Empty(t, out.String())
}
