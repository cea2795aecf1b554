package enrollment

import "time"

// ServerID names a server within the installation.
type ServerID string

// RenewalID names one renewal of a server token.
type RenewalID string

// Server is what Apple calls a device management service (an "MDM server" until 2025), as this library keeps it:
// whom it belongs to, which service at Apple it is, its token and its keys. It holds no secret.
type Server struct {
	ID        ServerID  `json:"id"`
	Tenant    TenantID  `json:"tenant"`
	Site      SiteID    `json:"site,omitempty"`
	Name      string    `json:"name"`
	Reference string    `json:"reference,omitempty"` // the host's own ID, for servers that it brought along
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`

	Pin     Pin       `json:"pin,omitzero"`
	Admin   string    `json:"admin,omitempty"` // who downloaded the active token, as Apple named them
	Token   *Token    `json:"token,omitempty"` // the active token; nil: none yet
	Keys    []KeyFact `json:"keys,omitempty"`  // every key pair that was ever made or adopted for it
	Renewal RenewalID `json:"renewal,omitempty"`

	Profile *ADEProfile `json:"profile,omitempty"` // that devices get which move to it; nil: none, so that none may
}

// Token is what is kept in the open about a server token; the credentials are in the secret record.
type Token struct {
	Generation  int64     `json:"generation"`  // 1 for a server's first token
	Secret      string    `json:"secret"`      // the ID of the secret record
	Fingerprint string    `json:"fingerprint"` // hex SHA-256; equal for equal tokens
	ConsumerKey string    `json:"consumer_key"`
	Expires     time.Time `json:"expires"`
	KeyID       string    `json:"key_id,omitempty"` // the pair that opened it; empty for an adopted token
	ActivatedAt time.Time `json:"activated_at"`
}

// KeyFact is what is kept in the open about a key pair.
type KeyFact struct {
	ID          string    `json:"id"`                    // hex SHA-256 of the public key
	Recipient   string    `json:"recipient,omitempty"`   // digest of the certificate's issuer and serial; empty: certificate never seen
	Certificate string    `json:"certificate,omitempty"` // hex SHA-256 of the certificate
	MadeAt      time.Time `json:"made_at"`
	Adopted     bool      `json:"adopted,omitempty"`
}

// Retired reports whether the server is out of use.
func (s Server) Retired() bool { return !s.RetiredAt.IsZero() }

// Generation returns the generation of the active token, 0 if there is none.
func (s Server) Generation() int64 {
	if s.Token == nil {
		return 0
	}
	return s.Token.Generation
}

// Key returns the fact of one key pair.
func (s Server) Key(id string) (KeyFact, bool) { return keyOf(s.Keys, id) }

func keyOf(ring []KeyFact, id string) (KeyFact, bool) {
	for _, k := range ring {
		if k.ID == id {
			return k, true
		}
	}
	return KeyFact{}, false
}

// WithKey returns the server with a key pair added to its ring, where it stays while the server lives.
func (s Server) WithKey(k KeyFact) Server {
	s.Keys = withKey(s.Keys, k)
	return s
}

// withKey never changes the ring that it is given: snapshots share it.
func withKey(ring []KeyFact, k KeyFact) []KeyFact {
	if _, held := keyOf(ring, k.ID); held {
		return ring
	}
	return append(ring[:len(ring):len(ring)], k)
}

// Activation is everything that a new token changes on its server. It is applied as a whole, in the same write that
// ends the renewal.
type Activation struct {
	Token Token  `json:"token"`
	Pin   Pin    `json:"pin"`
	Admin string `json:"admin,omitempty"`
}

// Activated returns the server with the new token in place of the old one.
func (s Server) Activated(a Activation) Server {
	token := a.Token
	s.Token, s.Pin, s.Admin, s.Renewal = &token, a.Pin, a.Admin, ""
	return s
}
