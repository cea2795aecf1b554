package apns_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

// However a key is printed, nothing of it shows.
func TestThreat17_AKeyNeverPrints(t *testing.T) {
	_, issuer := apple(t)
	key := keys()[2]
	certificate := read(t, inPEM(issuer.issue(t, order{}))).WithKey(key)
	var out bytes.Buffer
	for _, value := range []any{key, &key, certificate, &certificate, []apns.Key{key}, map[string]any{"k": certificate}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
	}
	_, err := json.Marshal(key)
	require.ErrorIs(t, err, apns.ErrSecret)
	_, err = json.Marshal(map[string]any{"key": &key})
	require.ErrorIs(t, err, apns.ErrSecret)
	private := privateOf(key)
	for _, secret := range []string{
		private.D.String(), private.D.Text(16), private.Primes[0].String(), private.Primes[0].Text(16), private.Primes[1].String(),
	} {
		assert.NotContains(t, out.String(), secret)
	}
	assert.Contains(t, out.String(), topic, "the certificate itself may be seen")
}
