package appletest

import (
	"fmt"
	"strings"
	"time"
)

// Service is a device management service of an organization ("MDM server" until 2025).
type Service struct {
	org  *Organization
	uuid string

	name        string
	certificate *certificate
	consumers   map[*Admin]consumer
	present     *token // that may be used
	latest      *token // that was downloaded last, dead or alive
	deleted     bool
	events      []deviceEvent
	profiles    map[string]*profile

	created, updated time.Time
	connected        time.Time // when a session was opened last
}

// consumer is the OAuth consumer of a service and one person. It was observed that the consumer key stays the same
// while the same person downloads, and that another person's differs.
type consumer struct{ key, secret string }

// CreateService adds a service with its public key certificate: PEM or DER, RSA only. Names are unique in the
// organization, and "Unassigned" and "Reassigned" are Apple's own (Apple Business User Guide).
func (p *Admin) CreateService(name string, publicKeyCertificate []byte) (*Service, error) {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := p.may(ManageServices); err != nil {
		return nil, err
	}
	cert, err := readCertificate(publicKeyCertificate)
	if err != nil {
		return nil, err
	}
	return p.org.addService(name, cert)
}

// addService needs the lock.
func (o *Organization) addService(name string, cert *certificate) (*Service, error) {
	if err := o.checkName(name, nil); err != nil {
		return nil, err
	}
	if o.certificates() >= maxCertificates {
		return nil, ErrTooManyCertificates
	}
	now := o.apple.clock()
	s := &Service{
		org: o, uuid: o.apple.newUUID(), name: name, certificate: cert,
		consumers: map[*Admin]consumer{}, profiles: map[string]*profile{}, created: now, updated: now,
	}
	o.services = append(o.services, s)
	return s, nil
}

// ReplaceCertificate saves another public key certificate: later tokens are encrypted to it. It kills the present
// token, unless [Behavior.KeepTokenOnSave] says otherwise.
func (p *Admin) ReplaceCertificate(s *Service, publicKeyCertificate []byte) error {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := p.mayManage(s); err != nil {
		return err
	}
	cert, err := readCertificate(publicKeyCertificate)
	if err != nil {
		return err
	}
	s.replaceCertificate(cert)
	return nil
}

// replaceCertificate needs the lock.
func (s *Service) replaceCertificate(cert *certificate) {
	s.certificate = cert
	if !s.org.apple.behavior.KeepTokenOnSave {
		s.kill(KeyReplaced)
	}
}

// Service returns the service with a name, be it made at the portal or by the API; nil: there is none.
func (o *Organization) Service(name string) *Service {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	for _, s := range o.services {
		if !s.deleted && s.name == name {
			return s
		}
	}
	return nil
}

// RenameService changes the name; the UUID stays.
func (p *Admin) RenameService(s *Service, name string) error {
	p.org.apple.mu.Lock()
	defer p.org.apple.mu.Unlock()
	if err := p.mayManage(s); err != nil {
		return err
	}
	if err := p.org.checkName(name, s); err != nil {
		return err
	}
	s.name = name
	return nil
}

// checkName needs the lock.
func (o *Organization) checkName(name string, besides *Service) error {
	trimmed := strings.TrimSpace(name)
	if trimmed == "" || strings.EqualFold(trimmed, "Unassigned") || strings.EqualFold(trimmed, "Reassigned") {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	for _, s := range o.services {
		if s != besides && !s.deleted && strings.EqualFold(s.name, name) {
			return fmt.Errorf("%w: %q is taken", ErrName, name)
		}
	}
	return nil
}

// UUID returns the server_uuid: 32 upper-case hex digits, the same for the life of the service.
func (s *Service) UUID() string { return s.uuid }

// Name returns the name of the day.
func (s *Service) Name() string {
	s.org.apple.mu.Lock()
	defer s.org.apple.mu.Unlock()
	return s.name
}

// Organization returns the organization that the service belongs to.
func (s *Service) Organization() *Organization { return s.org }

// Delete removes the service from the portal. Its token is dead and its devices are unassigned.
func (s *Service) Delete() {
	s.org.apple.mu.Lock()
	defer s.org.apple.mu.Unlock()
	if s.deleted {
		return
	}
	s.deleted = true
	s.kill(ServiceDeleted)
	for _, d := range s.org.devices {
		if d.service == s {
			d.leave(s.org.apple.clock())
		}
	}
}
