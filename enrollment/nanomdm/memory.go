package nanomdm

import (
	"context"

	"github.com/micromdm/plist"
)

// Memory is whether a NanoMDM server remembers commands that devices have answered. Only one that does refuses the second
// command with the same UUID, whatever became of the first.
type Memory int

// What is known of a server's memory.
const (
	MemoryNotKnown Memory = iota // no answered command has been seen yet, or the server gave no clear answer
	Remembers
	Forgets
)

// maxSent bounds the commands that are kept until a device answers one of them.
const maxSent = 1024

// remember keeps the UUID of a command that the server has queued.
func (s *Server) remember(command string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == MemoryNotKnown && len(s.sent) < maxSent {
		s.sent[command] = true
	}
}

// SawAnswer tells that a device has answered a command, which is evidence for [Server.Memory] if it was sent from here. A
// device may answer what it was never asked, so nothing else is.
func (s *Server) SawAnswer(command string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent[command] {
		s.answered = command
	}
}

// noDevice is an enrollment ID that no device has: theirs are UUIDs or 40 hexadecimal digits.
const noDevice = "abmrenew-memory-check"

// Memory finds out whether the server remembers answered commands. NanoMDM v0.9.0 does not tell how it is configured, but
// it shows: asked to queue the UUID of a command that was answered before, it refuses a repeat if it remembers, and
// complains of something else, or nothing, if it has forgotten. The command that is offered does nothing, is for a device
// that does not exist, and nobody is woken for it. The answer is kept; it costs one request per process.
func (s *Server) Memory(ctx context.Context) (Memory, error) {
	s.mu.Lock()
	known, answered := s.memory, s.answered
	s.mu.Unlock()
	if known != MemoryNotKnown || answered == "" {
		return known, nil
	}
	probe := eraseDevice{CommandUUID: answered, Command: eraseArguments{RequestType: "DeviceInformation"}}
	raw, err := plist.Marshal(probe)
	if err != nil {
		return MemoryNotKnown, err
	}
	k := enqueueCall(noDevice, newGate(raw, nil), true)
	r, err := s.send(ctx, k)
	if err != nil {
		return MemoryNotKnown, err
	}
	if err := s.refusal(k, r); err != nil {
		return MemoryNotKnown, err
	}
	a, err := readEnqueued(r.body)
	if err != nil {
		return MemoryNotKnown, err
	}
	switch text := a.failure(noDevice); {
	case isRepeat(text):
		known = Remembers
	case text == "" && a.CommandUUID == answered, isNoDevice(text):
		known = Forgets
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == MemoryNotKnown {
		s.memory = known
	}
	if s.memory != MemoryNotKnown {
		clear(s.sent)
	}
	return s.memory, nil
}
