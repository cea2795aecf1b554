package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// heard sends what an MDM tells to the webhook, as NanoMDM does.
func (m *moving) heard(e enrollment.DeviceEvent) {
	m.t.Helper()
	device := m.fleet.Device(e.Serial)
	switch e.Kind {
	case enrollment.DeviceAuthenticated:
		m.post(e, "mdm.Authenticate", e.At, map[string]string{
			"MessageType": text("Authenticate"), "SerialNumber": text(e.Serial), "OSVersion": text(device.Enrollment().OS),
			"ProductName": text(map[enrollment.Family]string{enrollment.FamilyIPhone: "iPhone14,2", enrollment.FamilyIPad: "iPad13,1"}[e.Device.Family]),
		}, nil)
	case enrollment.DeviceEnrolled:
		m.post(e, "mdm.TokenUpdate", e.At.Add(time.Millisecond), map[string]string{"MessageType": text("TokenUpdate")}, map[string]any{"token_update_tally": 1})
		facts, err := m.fleet.Ports().DeviceFacts(m.t.Context(), "default", e.MDM, enrollment.Device{UDID: e.UDID})
		require.NoError(m.t, err)
		asked := "<dict><key>ModelName</key>" + text(string(facts.Family)) // somebody asked for the usual
		for key, known := range map[string]enrollment.Known{
			"IsSupervised": facts.Supervised, "IsMultiUser": facts.SharedIPad, "IsAppleSilicon": facts.AppleSilicon,
		} {
			asked += "<key>" + key + "</key><" + map[bool]string{true: "true", false: "false"}[known == enrollment.Yes] + "/>"
		}
		m.answer(e, "ask-"+e.UDID, "Acknowledged", e.At.Add(2*time.Millisecond), map[string]string{"QueryResponses": asked + "</dict>"})
	case enrollment.DeviceWipeAnswered:
		status := map[enrollment.WipeState]string{
			enrollment.WipeAcknowledged: "Acknowledged", enrollment.WipeFailed: "Error", enrollment.WipeMalformed: "CommandFormatError",
			enrollment.WipeNotNow: "NotNow",
		}[e.Wipe.State]
		m.answer(e, e.Wipe.Command, status, e.At, map[string]string{})
	}
}

// answer is what a device answers to a command.
func (m *moving) answer(e enrollment.DeviceEvent, command, status string, at time.Time, says map[string]string) {
	m.t.Helper()
	says["CommandUUID"], says["Status"] = text(command), text(status)
	m.post(e, "mdm.Connect", at, says, map[string]any{"command_uuid": command, "status": status})
}

func text(value string) string { return "<string>" + value + "</string>" }

// post sends one event, signed. says are the values of the device's property list.
func (m *moving) post(e enrollment.DeviceEvent, topic string, at time.Time, says map[string]string, more map[string]any) {
	m.t.Helper()
	says["UDID"] = text(e.UDID)
	list := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<plist version="1.0"><dict>`
	for _, key := range slices.Sorted(maps.Keys(says)) {
		list += "<key>" + key + "</key>" + says[key]
	}
	told := map[string]any{
		"ids": map[string]string{"id": e.UDID, "type": "Device"}, "udid": e.UDID, "raw_payload": []byte(list + "</dict></plist>"),
		"url_params": map[string]string{"server": string(e.Server)},
	}
	maps.Copy(told, more)
	of := "checkin_event"
	if topic == "mdm.Connect" {
		of = "acknowledge_event"
	}
	body, err := json.Marshal(map[string]any{"topic": topic, "event_id": fmt.Sprint(at), "created_at": at, of: told})
	require.NoError(m.t, err)
	r := httptest.NewRequestWithContext(m.t.Context(), http.MethodPost, "/"+string(e.MDM), bytes.NewReader(body))
	r.Header.Set("X-Hmac-Signature", signed(body, hookKey))
	w := httptest.NewRecorder()
	m.webhook.ServeHTTP(w, r)
	require.Equal(m.t, http.StatusOK, w.Code, "%s: %s", strings.TrimSpace(w.Body.String()), body)
}
