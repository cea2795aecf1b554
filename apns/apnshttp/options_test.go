package apnshttp

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/internal/dialguard"
)

// Which addresses are dialed is looked at by the dial itself, whatever a resolver says of the name.
func TestThreat09_TheDialIsGuardedInBothModes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nothing was sent
	dial := func(o Options, address string) error {
		o, err := o.ready()
		require.NoError(t, err)
		conn, err := o.Dial(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	here := l.Addr().String()
	require.ErrorIs(t, dial(Options{}, here), dialguard.ErrAddress, "Apple is not on this machine")
	require.ErrorIs(t, dial(Options{Port: 2197}, here), dialguard.ErrAddress)

	tests := Options{Loopback: true, Address: here}
	require.NoError(t, dial(tests, here))
	for _, public := range []string{"17.253.144.10:443", "[2620:149::1]:443"} {
		assert.ErrorIs(t, dial(tests, public), dialguard.ErrAddress, "a test does not go to Apple")
	}
}
