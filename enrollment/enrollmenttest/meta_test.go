package enrollmenttest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// quirk is a promise that an implementation breaks, in words. Empty: it is sound.
type quirk string

// catches runs each case against every implementation that breaks what the case is about: a case that nobody fails proves
// nothing. newRig makes an implementation with a quirk; broken has the quirks by case.
func catches[R any](t *testing.T, cases []testCase[R], newRig func(t testing.TB, q quirk) R, broken map[string][]quirk) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.NotEmpty(t, broken[c.name], "nobody is known who fails this case")
			for _, q := range broken[c.name] {
				synctest.Test(t, func(t *testing.T) { // so that waiting costs nothing
					err := attempt(t.Context(), newRig(t, q), c)
					if assert.Error(t, err, "somebody got through who %s", q) {
						t.Logf("%s: %.200v", q, err)
					}
					<-time.After(24 * time.Hour) // whoever waits on comes to its end in this bubble
				})
			}
			synctest.Test(t, func(t *testing.T) {
				require.NoError(t, attempt(t.Context(), newRig(t, ""), c), "a sound one passes")
			})
		})
	}
	for name := range broken {
		assert.True(t, slices.ContainsFunc(cases, func(c testCase[R]) bool { return c.name == name }), "no case is named %q", name)
	}
}
