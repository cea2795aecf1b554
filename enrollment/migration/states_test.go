package migration_test

import (
	"testing"

	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// STATES.md is what a person reads about the machines. It is written from the code: what each state waits for stands beside
// its constant, and who follows whom is tried out.
func TestStatesDocument(t *testing.T) {
	machinetest.Golden(t, "STATES.md", `# States

Written by `+"`go test ./enrollment/migration -update`"+` from the code; do not edit.

In the tables, a cell joins everything that the event may do in the state: where it may lead, "stays" where it may change
something without leaving the state, "refused" where a person may be told no, "-" where it may be ignored. The files in
[testdata/matrix](testdata/matrix) tell the cases apart.

`+moveDocument(t)+"\n"+planDocument(t))
}
