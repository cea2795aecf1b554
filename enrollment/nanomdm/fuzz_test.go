package nanomdm_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Whoever knows the key may still send what he likes: it is refused or taken, and never more.
func FuzzWebhook(f *testing.F) {
	t0 := testing.TB(f)
	for _, s := range []said{
		authenticate(start), tokenUpdate(start, 1), checkOut(start), connect(start, "Acknowledged", command), connect(start, "Idle", ""),
	} {
		f.Add(s.body(t0))
	}
	f.Add([]byte(`{"topic":"mdm.Connect","created_at":"2026-11-25T08:00:00Z","acknowledge_event":{"ids":{},"raw_payload":""}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var b inbox
		status, text := post(hook(t, &b), body)
		switch status {
		case http.StatusOK:
			for _, e := range b.all() {
				require.NotEmpty(t, e.UDID)
				require.Equal(t, enrollment.MDMID("old"), e.MDM)
				require.False(t, e.At.IsZero())
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			require.Empty(t, b.all())
			require.Less(t, len(text), 1000)
		default:
			t.Fatalf("HTTP %d %s", status, text)
		}
	})
}
