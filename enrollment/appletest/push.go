package appletest

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// Push is Apple's push service, and the portal where its certificates are made. [Apple.Push] returns it.
//
// In what order Apple looks at a request is not documented. This one looks at the certificate first, then at the request, at
// the topic, and last at the device.
type Push struct {
	apple *Apple

	mu       sync.Mutex // guards what follows; never held while waiting
	refusal  PushRefusal
	revoked  map[string]bool        // by serial number
	devices  map[string]*pushDevice // by token, in hexadecimal digits
	faults   []PushFault
	sent     []SentPush
	sessions int
	accounts map[string]*PushAccount
	serial   int64
}

// PushRefusal is how a certificate is refused. All three were observed.
type PushRefusal int

// The ways to refuse a certificate.
const (
	RefuseByAnswer PushRefusal = iota // status 403 and a reason
	RefuseByGoAway                    // the connection ends with a reason
	RefuseByAlert                     // the TLS handshake ends with an alert
)

// PushFault is an answer that is given whatever the request.
type PushFault struct {
	Status     int // 0: the connection ends with the reason (GOAWAY) instead
	Reason     string
	RetryAfter string
}

// PushDevice is how a device is reached, as it tells its MDM in a TokenUpdate.
type PushDevice struct {
	Token []byte
	Magic string
}

type pushDevice struct {
	topic string
	gone  time.Time // zero: it listens
}

// SentPush is a push that the service accepted.
type SentPush struct {
	Topic, Token, Magic string // the token in hexadecimal digits
	At                  time.Time
}

// Push returns the push service.
func (a *Apple) Push() *Push {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.push == nil {
		a.push = &Push{
			apple: a, revoked: map[string]bool{}, devices: map[string]*pushDevice{}, accounts: map[string]*PushAccount{},
			serial: 0x5dac9ce00000,
		}
	}
	return a.push
}

// Refuse says how certificates are refused from now on.
func (p *Push) Refuse(how PushRefusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = how
}

// Fail answers the next requests with these, one each.
func (p *Push) Fail(faults ...PushFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

// AddDevice enrols a device that listens to a topic.
func (p *Push) AddDevice(topic string) PushDevice {
	token := make([]byte, 32)
	_, _ = rand.Read(token) // never fails
	p.mu.Lock()
	defer p.mu.Unlock()
	p.devices[hex.EncodeToString(token)] = &pushDevice{topic: topic}
	return PushDevice{Token: token, Magic: rand.Text()}
}

// RemoveDevice makes a device stop listening: pushes to it are answered with 410 from now on.
func (p *Push) RemoveDevice(d PushDevice) {
	now := p.apple.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if device := p.devices[hex.EncodeToString(d.Token)]; device != nil {
		device.gone = now
	}
}

// Sent returns the pushes that were accepted, oldest first.
func (p *Push) Sent() []SentPush {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]SentPush(nil), p.sent...)
}

// Connections counts the connections that were signed in.
func (p *Push) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions
}
