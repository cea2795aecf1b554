package runner_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// disks are the stores that everything is tried on: memory, and a bolt file that each new process opens anew. The tests of
// storage/postgres add a file to this folder that puts a database in the place of all of them.
var (
	disks = map[string]func(testing.TB) disk{
		"memory": quick,
		"bolt":   lasting,
	}
	quick   = func(testing.TB) disk { return &ram{} }
	lasting = func(t testing.TB) disk { return newBoltFile(t) }
)

// storedOn is the option of a host with its store on a disk.
func storedOn(d disk) option { return func(h *host) { h.store = d.open(h.t, h.clock.Now) } }

// stride is how many points a test of every point goes on by: 1, but where time is short.
func stride() int {
	switch {
	case testing.Short():
		return 7
	case raceDetector:
		return 4
	}
	return 1
}

// through leads a flow to its end with something happening on the way, and returns what is there afterwards.
func through(t *testing.T, d disk, f flow, hasty bool, what func(*world) fate) []string {
	t.Helper()
	w := newWorld(t, d)
	w.hasty = hasty
	defer w.disk.shut(t)
	require.NoError(t, w.follow(f.before), "before the flow")
	w.fate = what(w)
	require.NoError(t, w.follow(f.steps))
	w.fate = nil
	require.NoError(t, w.rest())
	require.NoError(t, whole(w))
	p, err := portrait(w)
	require.NoError(t, err)
	return p
}

// changing calls do with the number of each crossing of a call that changes something outside.
func changing(do func(n int) error) func(*world) fate {
	n := 0
	return func(*world) fate {
		return func(c crossing) error {
			if !c.changes() {
				return nil
			}
			n++
			return do(n)
		}
	}
}

// A process may end at any boundary: before or after each write of the store and each effect outside. The next one over
// the same store goes on, a person repeats what was not answered, and what comes out is what would have come out.
func TestACrashAtAnyBoundaryLosesNothing(t *testing.T) {
	for kind, fresh := range disks {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, f := range flows() {
				t.Run(f.name, func(t *testing.T) {
					boundaries := 0
					clean := asked(through(t, fresh(t), f, false, changing(func(n int) error { boundaries = n; return nil })))
					require.Greater(t, boundaries, 1)
					points := 0
					first := 1 + rand.IntN(stride()) // so that in time all are tried where few are tried at once
					for at := first; ; at += stride() {
						killed := false
						got := through(t, fresh(t), f, at%2 == 0, changing(func(n int) error {
							if n != at {
								return nil
							}
							killed = true
							return errKilled
						}))
						if !killed {
							break
						}
						points++
						if !assert.Equal(t, clean, asked(got), "killed at boundary %d of %d", at, boundaries) {
							return
						}
					}
					assert.GreaterOrEqual(t, first-1+points*stride(), boundaries, "every boundary was tried")
				})
			}
		})
	}
}

// What goes on after a crash may crash, too.
func TestCrashesAgainAndAgainLoseNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			clean := asked(through(t, quick(t), f, false, func(*world) fate { return nil }))
			for round := range 12/stride() + 1 {
				random := rand.New(rand.NewPCG(seed, uint64(round)))
				kills := 0
				got := through(t, lasting(t), f, round%2 == 0, changing(func(int) error {
					if kills < 8 && random.IntN(12) == 0 {
						kills++
						return errKilled
					}
					return nil
				}))
				require.Equal(t, clean, asked(got), "round %d, %d kills, seed %d", round, kills, seed)
			}
		})
	}
}
