package bolt_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

// What of the operations that no sync covers has reached the disk when the power goes.
var survivals = []struct {
	name  string
	draws func(random *rand.Rand, unsynced []operation) []operation
}{
	{"none", func(*rand.Rand, []operation) []operation { return nil }},
	{"a half", func(random *rand.Rand, unsynced []operation) (some []operation) {
		for _, op := range unsynced {
			if random.IntN(2) == 0 {
				some = append(some, op)
			}
		}
		return some
	}},
	{"a torn half", func(random *rand.Rand, unsynced []operation) (some []operation) {
		for _, op := range unsynced {
			if random.IntN(2) == 0 {
				some = append(some, torn(random, op)...)
			}
		}
		return some
	}},
	{"a prefix", func(random *rand.Rand, unsynced []operation) []operation {
		return unsynced[:random.IntN(len(unsynced)+1)]
	}},
}

// torn returns the sectors of a write that reached the disk: disks write 512 bytes whole.
func torn(random *rand.Rand, op operation) (sectors []operation) {
	const sector = 512
	if op.does != "write" {
		return []operation{op}
	}
	for from := 0; from < len(op.data); from += sector {
		if random.IntN(2) == 0 {
			part := op
			part.at, part.data = op.at+int64(from), op.data[from:min(from+sector, len(op.data))]
			sectors = append(sectors, part)
		}
	}
	return sectors
}

// disk is what a power cut leaves behind: a file, if it had its name by then.
type disk struct {
	named bool
	file  []byte
}

func (d *disk) apply(operations []operation) {
	for _, op := range operations {
		switch op.does {
		case "name":
			d.named = true
		case "cut":
			d.resize(op.at)
		case "write":
			d.resize(max(int64(len(d.file)), op.at+int64(len(op.data))))
			copy(d.file[op.at:], op.data)
		}
	}
}

func (d *disk) resize(size int64) {
	if size <= int64(len(d.file)) {
		d.file = d.file[:size]
		return
	}
	d.file = append(d.file, make([]byte, size-int64(len(d.file)))...)
}

// split tells the operations that a sync covers from the others, and what was acknowledged.
func split(done []operation) (synced, unsynced []operation, acked int) {
	for _, op := range done {
		switch op.does {
		case "ack":
			acked = op.number
		case "sync", "sync names":
			var left []operation
			for _, earlier := range unsynced {
				if (earlier.does == "name") == (op.does == "sync names") {
					synced = append(synced, earlier)
				} else {
					left = append(left, earlier)
				}
			}
			unsynced = left
		default:
			unsynced = append(unsynced, op)
		}
	}
	return synced, unsynced, acked
}

// outcome counts what became of the crash states.
type outcome struct{ states, unsynced, lost, half, refused, other int }

// cutPower makes crash states of a recorded run and opens each.
func cutPower(t *testing.T, operations []operation, states int, seed uint64) (o outcome, failures []error) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	m, err := newModel()
	require.NoError(t, err)
	for o.states < states {
		at := 1 + random.IntN(len(operations))
		synced, unsynced, acked := split(operations[:at])
		if len(unsynced) == 0 && o.states%10 > 0 {
			continue // at most times there is something to lose
		}
		how := survivals[o.states%len(survivals)]
		d := &disk{}
		d.apply(synced)
		d.apply(how.draws(random, unsynced))
		path := filepath.Join(t.TempDir(), "test.db")
		if d.named {
			require.NoError(t, os.WriteFile(path, d.file, 0o600))
		}
		o.states++
		o.unsynced += len(unsynced)
		_, err := m.afterCrash(path, acked)
		switch {
		case err == nil:
			continue
		case errors.Is(err, errLost):
			o.lost++
		case errors.Is(err, errHalf):
			o.half++
		case errors.Is(err, storage.ErrDamaged):
			o.refused++
		default:
			o.other++
		}
		failures = append(failures, fmt.Errorf("after %d of %d operations, %q of %d unsynced ones survive: %w",
			at, len(operations), how.name, len(unsynced), err))
	}
	return o, failures
}

// The power may go at any moment: whatever part of the unsynced writes reached the disk, every acknowledged step is
// there whole and the store goes on.
func TestAPowerCutLosesNothing(t *testing.T) {
	requireStrace(t)
	steps, states := 120, 150
	if testing.Short() {
		steps, states = 40, 30
	}
	operations := record(t, "plain", steps)
	seed := rand.Uint64()
	o, failures := cutPower(t, operations, states, seed)
	t.Logf("%d crash states (seed %d) of %d operations, %d unsynced ones in all: lost %d, half %d, refused %d, other %d",
		o.states, seed, len(operations), o.unsynced, o.lost, o.half, o.refused, o.other)
	require.Empty(t, failures)
	assert.Greater(t, o.unsynced, o.states, "the states have too little that may be lost")
}

// The control: the same run without syncs loses what it acknowledged, and the crash states show it. Even then a store
// answers with errors that say what is wrong.
func TestAPowerCutWithoutSyncShows(t *testing.T) {
	requireStrace(t)
	steps, states := 60, 40
	operations := record(t, "without sync", steps)
	o, _ := cutPower(t, operations, states, rand.Uint64())
	t.Logf("%d crash states: lost %d, half %d, refused as damaged %d, other %d", o.states, o.lost, o.half, o.refused, o.other)
	assert.Greater(t, o.lost, o.states/10, "the states do not show what is lost without syncs")
	assert.Greater(t, o.lost+o.half+o.refused, o.states/3)
	assert.Zero(t, o.other, "errors that say nothing of damage")
}
