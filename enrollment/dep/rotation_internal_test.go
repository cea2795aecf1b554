package dep

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What comes late from calls with another token or session changes nothing.
func TestLateAnswersLeaveTheSessionAlone(t *testing.T) {
	old, fresh := tokenOf(t, "CK_1", "CS_1", "AT_old", "AS_1"), tokenOf(t, "CK_1", "CS_1", "AT_new", "AS_1")
	s := &sessions{turns: newTurns()}
	s.set(fresh, "of the new token")
	s.rotated(old, "of the old token", "of the old token, replaced")
	assert.Equal(t, "of the new token", s.current(fresh))
	assert.Empty(t, s.current(old))

	s.rotated(fresh, "of the new token", "replaced")
	s.ended("of the new token")
	assert.Equal(t, "replaced", s.current(fresh), "who used the one before cannot end this one")
	s.ended("replaced")
	assert.Empty(t, s.current(fresh))
}
