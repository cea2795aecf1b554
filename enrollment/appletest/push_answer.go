package appletest

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const maxPayload = 4096 // of a push (Apple, Device Management documentation, June 2025)

// answer answers one request.
func (p *Push) answer(w http.ResponseWriter, r *http.Request, raw [][]byte) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxPayload+1)) // what could be read is judged
	w.Header().Set("apns-id", "00000000-0000-4000-8000-"+p.apple.randomHex(6))
	fault := p.verdict(r, raw, body)
	if fault.RetryAfter != "" {
		w.Header().Set("Retry-After", fault.RetryAfter)
	}
	w.WriteHeader(fault.Status)
	if fault.Status == http.StatusOK {
		return
	}
	said := map[string]any{"reason": fault.Reason}
	if fault.Status == http.StatusGone {
		said["timestamp"] = p.goneSince(r).UnixMilli()
	}
	_ = json.NewEncoder(w).Encode(said) // the client may be gone
}

// verdict decides on a request, and takes the push where it is right.
func (p *Push) verdict(r *http.Request, raw [][]byte, body []byte) PushFault {
	if fault, found := p.takeFault(); found {
		return fault
	}
	if reason := p.judge(raw); reason != "" {
		return PushFault{Status: http.StatusForbidden, Reason: reason}
	}
	if r.Method != http.MethodPost {
		return PushFault{Status: http.StatusMethodNotAllowed, Reason: "MethodNotAllowed"}
	}
	token, found := strings.CutPrefix(r.URL.Path, "/3/device/")
	if !found {
		return PushFault{Status: http.StatusNotFound, Reason: "BadPath"}
	}
	bad := func(reason string) PushFault { return PushFault{Status: http.StatusBadRequest, Reason: reason} }
	topic := topicOf(raw[0])
	switch asked := r.Header.Get("apns-topic"); {
	case token == "":
		return bad("MissingDeviceToken")
	case r.Header.Get("apns-push-type") != "" && r.Header.Get("apns-push-type") != "mdm":
		return bad("InvalidPushType")
	case r.Header.Get("apns-priority") != "" && !strings.Contains(" 1 5 10 ", " "+r.Header.Get("apns-priority")+" "):
		return bad("BadPriority")
	case asked != "" && asked != topic:
		return bad("TopicDisallowed")
	case len(body) == 0:
		return bad("PayloadEmpty")
	case len(body) > maxPayload:
		return PushFault{Status: http.StatusRequestEntityTooLarge, Reason: "PayloadTooLarge"}
	}
	return p.deliver(token, topic, body)
}

// deliver looks at the device.
func (p *Push) deliver(token, topic string, body []byte) PushFault {
	now := p.apple.Now()
	var payload struct {
		Magic string `json:"mdm"`
	}
	decoded, err := hex.DecodeString(token)
	p.mu.Lock()
	defer p.mu.Unlock()
	device := p.devices[strings.ToLower(token)]
	switch {
	case err != nil || len(decoded) == 0 || device == nil:
		return PushFault{Status: http.StatusBadRequest, Reason: "BadDeviceToken"}
	case device.topic != topic:
		return PushFault{Status: http.StatusBadRequest, Reason: "DeviceTokenNotForTopic"}
	case !device.gone.IsZero():
		return PushFault{Status: http.StatusGone, Reason: "Unregistered"}
	}
	_ = json.Unmarshal(body, &payload) // Apple delivers what it does not understand; the device looks at the magic
	p.sent = append(p.sent, SentPush{Topic: topic, Token: strings.ToLower(token), Magic: payload.Magic, At: now})
	return PushFault{Status: http.StatusOK}
}

func (p *Push) takeFault() (PushFault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) == 0 || p.faults[0].Status == 0 {
		return PushFault{}, false
	}
	fault := p.faults[0]
	p.faults = p.faults[1:]
	return fault, true
}

func (p *Push) goneSince(r *http.Request) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if device := p.devices[strings.ToLower(strings.TrimPrefix(r.URL.Path, "/3/device/"))]; device != nil && !device.gone.IsZero() {
		return device.gone
	}
	return time.UnixMilli(0)
}

// topicOf is the UID of a certificate's subject.
func topicOf(der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	for _, name := range cert.Subject.Names {
		if name.Type.Equal(oidUserID) {
			return fmt.Sprint(name.Value)
		}
	}
	return ""
}
