package nanomdm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// enqueueCall is the request that queues a command for one device.
func enqueueCall(udid string, command *gate, noPush bool) call {
	k := call{method: http.MethodPut, path: "/v1/enqueue/" + udid, contentType: "application/xml", body: command}
	if noPush {
		k.query = url.Values{"nopush": {"1"}}
	}
	return k
}

// enqueued is NanoMDM's answer to a queued command or a push (v0.9.0, api/types.go).
type enqueued struct {
	Status map[string]struct {
		PushError    string `json:"push_error"`
		CommandError string `json:"command_error"`
	} `json:"status"`
	PushError    string `json:"push_error"`
	CommandError string `json:"command_error"`
	CommandUUID  string `json:"command_uuid"`
	RequestType  string `json:"request_type"`
}

func readEnqueued(body []byte) (enqueued, error) {
	var a enqueued
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%w: it is no JSON of NanoMDM's", ErrAnswer)
	}
	return a, nil
}

// failure returns why the command was not queued; empty: it does not say so. The key-value backends file an error under
// the command's UUID instead of the device's.
func (a enqueued) failure(udid string) string {
	for _, text := range []string{a.CommandError, a.Status[udid].CommandError, a.Status[a.CommandUUID].CommandError} {
		if text != "" {
			return text
		}
	}
	for _, one := range a.Status {
		if one.CommandError != "" {
			return one.CommandError
		}
	}
	return ""
}

// unpushed returns why Apple was not asked to wake the device; empty: it was.
func (a enqueued) unpushed(udid string) string {
	if a.PushError != "" {
		return a.PushError
	}
	return a.Status[udid].PushError
}

// isRepeat reports whether an error says that a command with this UUID exists: the words of the inmem and filekv backends,
// of MySQL (error 1062) and of PostgreSQL (error 23505).
func isRepeat(text string) bool {
	return strings.Contains(text, "command already exists: ") ||
		strings.Contains(text, "Duplicate entry ") ||
		strings.Contains(text, "duplicate key value violates unique constraint")
}

// isNoDevice reports whether an error says that no such device is enrolled: the words of MySQL (error 1452) and PostgreSQL
// (error 23503), which take the command back then. The other backends queue commands for anybody.
func isNoDevice(text string) bool {
	return strings.Contains(text, "a foreign key constraint fails") || strings.Contains(text, "violates foreign key constraint")
}

// enqueue queues a command. The reason that comes with success says why the device was not woken for it.
func (s *Server) enqueue(ctx context.Context, udid, command, requestType string, body *gate) (reason string, err error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", &enrollment.CallError{Outcome: enrollment.Retry, Err: ctx.Err()}
	}
	k := enqueueCall(udid, body, s.noPush)
	r, err := s.send(ctx, k)
	left := body.shut()
	switch {
	case err != nil && left:
		return "", err // it may have arrived
	case errors.Is(err, enrollment.ErrTooLate):
		return "", fmt.Errorf("nanomdm: %s: %w", k.op(), enrollment.ErrTooLate)
	case err != nil:
		return "", &enrollment.CallError{Outcome: enrollment.Retry, Err: err}
	}
	if err := s.refusal(k, r); err != nil {
		return "", err
	}
	a, err := readEnqueued(r.body)
	if err != nil {
		return "", fmt.Errorf("nanomdm: %s: HTTP %d: %w", k.op(), r.status, err)
	}
	text := a.failure(udid)
	switch {
	case isRepeat(text):
		return "", fmt.Errorf("nanomdm: %w", enrollment.ErrRepeated)
	case isNoDevice(text):
		return "", fmt.Errorf("nanomdm: %w", enrollment.ErrNoDevice)
	case text != "":
		return "", fmt.Errorf("nanomdm: the server says that it did not queue the command, and may have done it: %s", s.foreign(text))
	case a.CommandUUID != command || a.RequestType != requestType:
		return "", fmt.Errorf("nanomdm: %s: HTTP %d: %w: it does not name the command", k.op(), r.status, ErrAnswer)
	}
	s.remember(command)
	if text := a.unpushed(udid); text != "" {
		return "queued, but the device was not woken: " + s.foreign(text), nil
	}
	return "", nil
}
