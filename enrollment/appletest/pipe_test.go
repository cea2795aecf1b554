package appletest

import (
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPipeDeliversWhatWasWrittenBeforeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := bufferedPipe()
		for range 3 {
			_, err := client.Write([]byte("hello "))
			require.NoError(t, err, "a write waits for nobody")
		}
		require.NoError(t, client.Close())
		require.NoError(t, client.Close())
		text, err := io.ReadAll(server)
		require.NoError(t, err)
		assert.Equal(t, "hello hello hello ", string(text))
		_, err = client.Write([]byte("x"))
		require.Error(t, err)
		require.NoError(t, server.Close())
	})
}

// Both ends may close with words that nobody reads any more, as those of TLS do. The bubble would hang if they waited.
func TestAPipeEndsWhenBothEndsAreClosed(t *testing.T) {
	for name, who := range map[string][2]bool{"both wrote": {true, true}, "one wrote": {true, false}, "nobody wrote": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := bufferedPipe()
				if who[0] {
					_, _ = client.Write([]byte("goodbye"))
				}
				if who[1] {
					_, _ = server.Write([]byte("goodbye"))
				}
				synctest.Wait()
				require.NoError(t, client.Close())
				require.NoError(t, server.Close())
				_, err := client.Read(make([]byte, 1))
				for err == nil {
					_, err = client.Read(make([]byte, 1))
				}
			})
		})
	}
}
