package runner

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// The kinds of secrets of a server.
const (
	secretToken = "token"
	secretKey   = "key"
)

// secretRef names a secret of a server. Its ID is random (a token) or the digest of what it holds (a key), and what is
// stored under an ID never changes; so one generation is enough.
func secretRef(s enrollment.Server, kind, id string) storage.SecretRef {
	return storage.SecretRef{Tenant: string(s.Tenant), Owner: string(s.ID), Kind: kind, ID: id, Generation: 1}
}

// openToken reads the credentials of a server.
func (m rooms) openToken(ctx context.Context, s enrollment.Server, id string) (abmtoken.Token, error) {
	text, err := m.vault.Open(ctx, secretRef(s, secretToken, id))
	if err != nil {
		return abmtoken.Token{}, err
	}
	defer clear(text)
	token, err := abmtoken.ParseToken(text)
	if err != nil {
		return abmtoken.Token{}, fmt.Errorf("%w: a stored token does not parse", storage.ErrDamaged)
	}
	return token, nil
}

// sealedKey is how a key pair is kept.
type sealedKey struct {
	Key         string `json:"key"`                   // PEM
	Certificate string `json:"certificate,omitempty"` // PEM; empty: never seen
}

func encodeKey(pair abmtoken.KeyPair) []byte {
	k := sealedKey{Key: pair.PrivateKeyPEM().Reveal()}
	if pair.HasCertificate() {
		k.Certificate = string(pair.CertificatePEM())
	}
	text, _ := json.Marshal(k) // two strings: it cannot fail
	return text
}

// openKey reads a key pair of a server, and checks that what comes out is the pair that is wanted and fits together.
func (m rooms) openKey(ctx context.Context, s enrollment.Server, id string) (abmtoken.KeyPair, error) {
	text, err := m.vault.Open(ctx, secretRef(s, secretKey, id))
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	defer clear(text)
	var k sealedKey
	if err := json.Unmarshal(text, &k); err != nil {
		return abmtoken.KeyPair{}, fmt.Errorf("%w: a stored key pair does not parse", storage.ErrDamaged)
	}
	pair, err := abmtoken.ImportKeyPair([]byte(k.Key), []byte(k.Certificate))
	if err != nil || pair.ID() != id {
		return abmtoken.KeyPair{}, fmt.Errorf("%w: a stored key pair is not what it was", storage.ErrDamaged)
	}
	return pair, nil
}

// keyFact is what is kept in the open about a pair.
func keyFact(pair abmtoken.KeyPair) enrollment.KeyFact {
	k := enrollment.KeyFact{ID: pair.ID()}
	if pair.HasCertificate() {
		k.Certificate = pair.CertificateFingerprint()
	}
	if pair.UniqueRecipient() {
		k.Recipient = pair.Recipient().String()
	}
	return k
}
