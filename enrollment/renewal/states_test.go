package renewal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// STATES.md is what a person reads about the machines. It is written from the code: what each state waits for stands beside
// its constant, and who follows whom is tried out.
func TestStatesDocument(t *testing.T) {
	cells, err := machine().Matrix(shapes(t), events())
	require.NoError(t, err)
	watched, err := watchMachine().Matrix(tokenWatched().shapes(t), tokenWatched().events())
	require.NoError(t, err)
	pushWatch, err := watchMachine().Matrix(pushWatched().shapes(t), pushWatched().events())
	require.NoError(t, err)
	require.Equal(t, machinetest.Table(watched), machinetest.Table(pushWatch), "the document says that they are the same")
	var b strings.Builder
	b.WriteString(`# States

Written by ` + "`go test ./enrollment/renewal -update`" + ` from the code; do not edit.

In the tables, a cell joins everything that the event may do in the state: where it may lead, "stays" where it may change
something without leaving the state, "refused" where a person may be told no, "-" where it may be ignored. The files in
[testdata/matrix](testdata/matrix) tell the cases apart.

## A renewal

One attempt to give a server a new token. It begins with a look at the push certificate, or at once with waiting for the file
where the token in use is dead already. The last four states are resting; a late file brings them back to life.

`)
	b.WriteString(machinetest.Waits(t, "renewal.go", "State"))
	b.WriteString("\n" + machinetest.Diagram(cells, []string{"checking_push", "awaiting_upload"},
		[]string{"completed", "cancelled", "lapsed", "superseded"}))
	b.WriteString("\n" + machinetest.Table(cells))
	b.WriteString(`
## A watch

Looks after the credential in use, a server token or a push certificate, for as long as it is wanted. The states and the table
are the same for both; what people are told is not. Its health (active, expiring, rejected, ...) is no state: it
is worked out of the expiry, Apple's last definite answer, and the time.

`)
	b.WriteString(machinetest.Waits(t, "watch.go", "WatchState"))
	b.WriteString("\n" + machinetest.Diagram(watched, []string{"missing"}, []string{"retired"}))
	b.WriteString("\n" + machinetest.Table(watched))
	pushed := pushCells(t)
	b.WriteString(`
## A renewal of a push certificate

One attempt to give a push certificate its successor with the same topic, or a customer the first one. The key pair is made, and
stored, before there is a request that could leave. The last four states are resting; a late file brings them back to life.

`)
	b.WriteString(machinetest.Waits(t, "push_renewal.go", "PushState"))
	b.WriteString("\n" + machinetest.Diagram(pushed, []string{"making_request"},
		[]string{"completed", "cancelled", "lapsed", "superseded"}))
	b.WriteString("\n" + machinetest.Table(pushed))
	machinetest.Golden(t, "STATES.md", b.String())
}
