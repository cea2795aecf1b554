package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
)

// tokenUpdate is what NanoMDM sends when a device has checked in.
func tokenUpdate(t *testing.T, udid string, at time.Time) []byte {
	t.Helper()
	payload := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>MessageType</key><string>TokenUpdate</string><key>UDID</key><string>%s</string>
<key>Topic</key><string>com.apple.mgmt.External.x</string><key>PushMagic</key><string>m</string></dict></plist>`, udid)
	body, err := json.Marshal(map[string]any{"topic": "mdm.TokenUpdate", "event_id": "e", "created_at": at, "checkin_event": map[string]any{
		"ids": map[string]string{"id": udid, "type": "Device"}, "udid": udid, "token_update_tally": 2,
		"raw_payload": base64.StdEncoding.EncodeToString([]byte(payload)),
	}})
	require.NoError(t, err)
	return body
}

// post sends an event to a worker.
func (r *running) post(path string, body []byte, key string) int {
	r.t.Helper()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.at+path, strings.NewReader(string(body)))
	require.NoError(r.t, err)
	req.Header.Set("X-Hmac-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	require.NoError(r.t, res.Body.Close())
	return res.StatusCode
}

// An event that one machine has taken, signed and in time, is known to all; others are refused.
func TestEventsOfAnMDMAreTaken(t *testing.T) {
	t.Parallel()
	s := shared(t)
	_, nano := s.newWorld()
	w := s.start("--mdms", nano.file(t, s, "acme"))
	const udid = "9C0C99C8-3C67-561F-5E16-9F69C0801ED2"
	event := tokenUpdate(t, udid, s.clock.Now())
	assert.Equal(t, http.StatusUnauthorized, w.post("/mdm/acme/old", event, "another key"))
	assert.Equal(t, http.StatusBadRequest, w.post("/mdm/acme/old", tokenUpdate(t, udid, s.clock.Now().Add(-time.Hour)), "canary-webhook-key"), "an old one")
	assert.Equal(t, http.StatusNotFound, w.post("/mdm/other/old", event, "canary-webhook-key"))
	kept := sightings.New(s.store, s.host.sealer, kindSighting)
	_, err := kept.Sighting(t.Context(), "acme", "old", enrollment.Device{UDID: udid})
	require.ErrorIs(t, err, enrollment.ErrNoDevice)

	assert.Equal(t, http.StatusOK, w.post("/mdm/acme/old", event, "canary-webhook-key"))
	seen, err := kept.Sighting(t.Context(), "acme", "old", enrollment.Device{UDID: udid})
	require.NoError(t, err)
	assert.Equal(t, enrollment.Yes, seen.Managed)
}
