package nanomdm

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrEvent says that an event is none that NanoMDM sends, or contradicts itself.
var ErrEvent = errors.New("nanomdm: not an event of NanoMDM's webhook")

func badEvent(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrEvent, fmt.Sprintf(format, args...))
}

// event is what NanoMDM's webhook sends (v0.9.0, service/webhook/event.json).
type event struct {
	Topic       string    `json:"topic"`
	CreatedAt   time.Time `json:"created_at"`
	CheckIn     *told     `json:"checkin_event"`
	Acknowledge *told     `json:"acknowledge_event"`
}

// told is what an enrollment said, in either kind of event.
type told struct {
	IDs struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"ids"`
	UDID       string            `json:"udid"`
	RawPayload []byte            `json:"raw_payload"`
	Params     map[string]string `json:"url_params"`

	TokenUpdateTally *int `json:"token_update_tally"` // of a TokenUpdate: 1 for the first after an Authenticate

	Status      string `json:"status"` // of an answer to a command
	CommandUUID string `json:"command_uuid"`
}

// first reports whether NanoMDM counts a TokenUpdate as the first of its enrollment.
func (t *told) first() bool { return t.TokenUpdateTally != nil && *t.TokenUpdateTally == 1 }

// The topics that are read, and the types of enrollments. A "Shared iPad" is somebody's session on one.
const (
	topicAuthenticate = "mdm.Authenticate"
	topicTokenUpdate  = "mdm.TokenUpdate"
	topicCheckOut     = "mdm.CheckOut"
	topicConnect      = "mdm.Connect"

	typeDevice     = "Device"
	typeSharedIPad = "Shared iPad"
)

// readEvent reads an event, and the message that the device sent. The event is NanoMDM's word, the message the device's:
// where both say who it was they have to agree.
func readEvent(body []byte) (event, *told, message, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return e, nil, nil, badEvent("%s", printable(err.Error(), 200))
	}
	t := e.CheckIn
	if e.Topic == topicConnect {
		t = e.Acknowledge
	}
	switch e.Topic {
	case topicAuthenticate, topicTokenUpdate, topicCheckOut, topicConnect:
	case "":
		return e, nil, nil, badEvent("it has no topic")
	default:
		return e, nil, nil, nil // one that nobody here wants
	}
	switch {
	case t == nil:
		return e, nil, nil, badEvent("%s without what was said", e.Topic)
	case e.CreatedAt.IsZero():
		return e, nil, nil, badEvent("%s without its time", e.Topic)
	case t.IDs.ID == "" || t.IDs.Type == "":
		return e, nil, nil, badEvent("%s without an enrollment ID", e.Topic)
	case t.IDs.Type != typeDevice && t.IDs.Type != typeSharedIPad:
		return e, nil, nil, nil // a user, or a User Enrollment, which nobody moves
	}
	m, err := readMessage(t.RawPayload)
	if err != nil {
		return e, nil, nil, err
	}
	return e, t, m, t.agrees(e.Topic, m)
}

// agrees compares the event with the message in it.
func (t *told) agrees(topic string, m message) error {
	says := func(key, want string) error {
		if got, _ := m[key].(string); got != want {
			return badEvent("%s and the message in it disagree about %s", topic, key)
		}
		return nil
	}
	checks := []error{says("UDID", t.UDID)}
	switch {
	case !identifier(t.UDID):
		return badEvent("%s from a device without a UDID", topic)
	case t.IDs.Type == typeDevice && t.IDs.ID != t.UDID:
		return badEvent("%s with an enrollment ID that is not the device's", topic)
	case topic == topicConnect:
		checks = append(checks, says("Status", t.Status), says("CommandUUID", t.CommandUUID))
	default:
		checks = append(checks, says("MessageType", topic[len("mdm."):]))
	}
	return errors.Join(checks...)
}
