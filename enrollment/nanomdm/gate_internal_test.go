package nanomdm

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAGateOpensOnceOrNever(t *testing.T) {
	asked := 0
	open := newGate([]byte("command"), func() error { asked++; return nil })
	body, err := io.ReadAll(open)
	require.NoError(t, err)
	assert.Equal(t, "command", string(body))
	assert.Equal(t, 1, asked)
	assert.True(t, open.shut())

	late := errors.New("late")
	closed := newGate([]byte("command"), func() error { asked++; return late })
	for range 3 {
		body, err = io.ReadAll(closed)
		require.ErrorIs(t, err, late)
		assert.Empty(t, body)
	}
	assert.Equal(t, 2, asked)
	assert.False(t, closed.shut())
}

// A transport may read on after its request has ended. What was called unsent by then stays so.
func TestAGateThatWasShutStaysShut(t *testing.T) {
	g := newGate([]byte("command"), nil)
	assert.False(t, g.shut())
	body, err := io.ReadAll(g)
	require.ErrorIs(t, err, errShut)
	assert.Empty(t, body)
	assert.False(t, g.shut())
}
