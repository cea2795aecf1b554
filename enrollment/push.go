package enrollment

import "time"

// PushID names one push certificate, through all its renewals, within the installation.
type PushID string

// Push is one row of Apple's push certificate portal as this library keeps it: the certificate in use, its keys, and the
// topic that devices listen to. It holds no secret.
type Push struct {
	ID        PushID    `json:"id"`
	Tenant    TenantID  `json:"tenant"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`

	Certificate *PushCertificate `json:"certificate,omitempty"` // the one in use; nil: none yet
	// Previous is the last one in use that may still work. It is kept until Apple has accepted the one in use once.
	Previous *PushCertificate `json:"previous,omitempty"`
	Keys     []KeyFact        `json:"keys,omitempty"` // every key pair that was ever made or adopted for it
	Renewal  RenewalID        `json:"renewal,omitempty"`
}

// PushCertificate is what is kept in the open about a push certificate; it stands, with its key, in the secret record.
type PushCertificate struct {
	Generation  int64     `json:"generation"`  // 1 for the first
	Secret      string    `json:"secret"`      // the ID of the secret record
	Fingerprint string    `json:"fingerprint"` // hex SHA-256 of the certificate
	Topic       string    `json:"topic"`       // what devices listen to
	Serial      string    `json:"serial,omitempty"`
	Issuer      string    `json:"issuer,omitempty"`
	Expires     time.Time `json:"expires"`
	KeyID       string    `json:"key_id"`
	HostKept    bool      `json:"host_kept,omitempty"` // the host keeps its private key: it is checked and reminded of only
	ActivatedAt time.Time `json:"activated_at"`
	ProvenAt    time.Time `json:"proven_at,omitzero"` // when Apple accepted it for the first time; zero: not yet
}

// Proven reports whether Apple has accepted the certificate once.
func (c PushCertificate) Proven() bool { return !c.ProvenAt.IsZero() }

// Key returns the fact of one key pair.
func (p Push) Key(id string) (KeyFact, bool) { return keyOf(p.Keys, id) }

// WithKey returns the push certificate with a key pair added to its ring, where it stays while the push certificate lives.
func (p Push) WithKey(k KeyFact) Push {
	p.Keys = withKey(p.Keys, k)
	return p
}

// Retired reports whether the push certificate is out of use.
func (p Push) Retired() bool { return !p.RetiredAt.IsZero() }

// Generation returns the generation of the certificate in use, 0 if there is none.
func (p Push) Generation() int64 {
	if p.Certificate == nil {
		return 0
	}
	return p.Certificate.Generation
}

// PushActivation is everything that a new certificate, or Apple's first word for it, changes. It is applied as a whole, in
// the same write as the step that gave it.
type PushActivation struct {
	Certificate PushCertificate  `json:"certificate"`
	Previous    *PushCertificate `json:"previous,omitempty"` // kept until the other is proven; nil: no longer
}

// Activated returns the push certificate with the new one in place. Whether a renewal is under way stays as it is.
func (p Push) Activated(a PushActivation) Push {
	fresh := a.Certificate
	p.Certificate, p.Previous = &fresh, nil
	if a.Previous != nil {
		kept := *a.Previous
		p.Previous = &kept
	}
	return p
}

// Replace returns what putting a certificate in use changes now, and the secrets that nobody needs after it. Unless
// Apple has accepted the new one, the last one that it may still accept is kept: the one in use, or the one before it if
// that was proven and this was not.
func (p Push) Replace(c PushCertificate, now time.Time) (a PushActivation, drop []string) {
	a = PushActivation{Certificate: c}
	if !c.Proven() {
		a.Previous = p.Certificate
		if old := p.Previous; old != nil && !p.Certificate.proven() && now.Before(old.Expires) {
			a.Previous = old
		}
	}
	for _, old := range []*PushCertificate{p.Certificate, p.Previous} {
		if old != nil && old.Secret != c.Secret && (a.Previous == nil || old.Secret != a.Previous.Secret) {
			drop = append(drop, old.Secret)
		}
	}
	return a, drop
}

func (c *PushCertificate) proven() bool { return c != nil && c.Proven() }
