package runner_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

var errFault = errors.New("test: the disk made a noise")

// everywhere leads every flow through one fault, at each of the crossings that where selects: the first, the second, and
// so on. In the end everything is as it would have been without.
func everywhere(t *testing.T, step int, where func(crossing) bool, happen func(*world) error, same func([]string) []string) {
	t.Helper()
	for i, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			clean := same(through(t, quick(t), f, false, func(*world) fate { return nil }))
			for at := 1 + i%step; ; at += step {
				n := 0
				got := through(t, quick(t), f, false, func(w *world) fate {
					return func(c crossing) error {
						if !where(c) {
							return nil
						}
						if n++; n != at {
							return nil
						}
						return happen(w)
					}
				})
				if n < at {
					return
				}
				if !assert.Equal(t, clean, same(got), "at crossing %d", at) {
					return
				}
			}
		})
	}
}

func ofStore(c crossing) bool {
	switch c.call {
	case "Get", "GetMany", "Commit", "Claim", "Now", "List", "Count":
		return true
	}
	return false
}

// A call of the store that fails, whichever it is, costs nobody more than to ask again.
func TestAStoreThatFailsOnceHarmsNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, 3*stride(), func(c crossing) bool { return ofStore(c) && !c.after },
		func(*world) error { return errFault }, asked)
}

// A call outside that fails, or whose answer is lost, is made again, with the same outcome.
func TestAPortThatFailsOnceHarmsNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, stride(), func(c crossing) bool { return !ofStore(c) }, func(*world) error { return errFault }, asked)
}

// A commit may have happened although its answer was lost. The runner looks, and neither does it again nor bothers anybody.
func TestACommitWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, stride(), func(c crossing) bool { return c.call == "Commit" && c.after && c.err == nil },
		func(*world) error { return errFault }, func(p []string) []string { return p })
}

// Somebody else may always have been faster.
func TestAConflictIsDecidedAnew(t *testing.T) {
	t.Parallel()
	everywhere(t, stride(), func(c crossing) bool { return c.call == "Commit" && !c.after },
		func(*world) error { return fmt.Errorf("%w: by a test", storage.ErrConflict) }, func(p []string) []string { return p })
}

// A person may hang up at any moment.
func TestAContextMayEndAnywhere(t *testing.T) {
	t.Parallel()
	everywhere(t, 3*stride(), ofStore, func(w *world) error { w.hangUp(); return nil }, asked)
}

// A store in which others are faster nine times out of ten, and answers get lost on the way, still gets everything done.
func TestAStormOfConflictsAndLostAnswers(t *testing.T) {
	t.Parallel()
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			clean := asked(through(t, quick(t), f, false, func(*world) fate { return nil }))
			n := 0
			got := through(t, quick(t), f, false, func(*world) fate {
				return func(c crossing) error {
					if c.call != "Commit" {
						return nil
					}
					switch n++; {
					case !c.after && n%10 < 6:
						return fmt.Errorf("%w: by a test", storage.ErrConflict)
					case c.after && c.err == nil && n%4 == 0:
						return errFault
					}
					return nil
				}
			})
			assert.Equal(t, clean, asked(got))
			require.Positive(t, n)
		})
	}
}
