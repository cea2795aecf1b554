package runner

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// The kinds of secrets of a push certificate.
const (
	secretPush    = "push"     // a certificate with its key; without, where the host keeps that
	secretPushKey = "push_key" // the key of a request
)

// pushSecretRef names a secret of a push certificate; see [secretRef].
func pushSecretRef(p enrollment.Push, kind, id string) storage.SecretRef {
	return storage.SecretRef{Tenant: string(p.Tenant), Owner: string(p.ID), Kind: kind, ID: id, Generation: 1}
}

// pushText is how a certificate is kept: PEM, its chain behind it and its key last.
func pushText(cert apns.Certificate, hostKept bool) []byte {
	text := cert.PEM()
	if !hostKept {
		text = append(text, cert.Key().RevealPEM()...)
	}
	return text
}

// readPush reads a certificate as it is kept.
func readPush(text []byte, fingerprint string, hostKept bool) (apns.Certificate, error) {
	cert, err := apns.Read(text, "")
	if err != nil || cert.Fingerprint() != fingerprint || !hostKept && !cert.Matches(cert.Key()) {
		return apns.Certificate{}, fmt.Errorf("%w: a stored push certificate is not what it was", storage.ErrDamaged)
	}
	return cert, nil
}

// sealPush adds a certificate to the write, with its key where that is ours to keep.
func (c *change) sealPush(ctx context.Context, p *tracked[pushRecord], id string, cert apns.Certificate, hostKept bool) error {
	text := pushText(cert, hostKept)
	defer clear(text)
	return c.sealSecret(ctx, pushSecretRef(p.Value.Push, secretPush, id), text)
}

// openPush reads a certificate with its key.
func (m rooms) openPush(ctx context.Context, p enrollment.Push, c enrollment.PushCertificate) (apns.Certificate, error) {
	text, err := m.vault.Open(ctx, pushSecretRef(p, secretPush, c.Secret))
	if err != nil {
		return apns.Certificate{}, err
	}
	defer clear(text)
	return readPush(text, c.Fingerprint, c.HostKept)
}

// addPushKey stores a key, sealed, and puts it on the ring, where it stays while the push certificate lives.
func (c *change) addPushKey(ctx context.Context, p *tracked[pushRecord], key apns.Key, adopted bool) error {
	if _, held := p.Value.Key(key.ID()); held {
		return nil
	}
	p.Value.Push = p.Value.WithKey(enrollment.KeyFact{ID: key.ID(), MadeAt: c.now, Adopted: adopted})
	p.moved = true
	text := key.RevealPEM()
	defer clear(text)
	return c.sealSecret(ctx, pushSecretRef(p.Value.Push, secretPushKey, key.ID()), text)
}

// openPushKey reads a key of the ring, and checks that what comes out is the one that is wanted.
func (m rooms) openPushKey(ctx context.Context, p enrollment.Push, id string) (apns.Key, error) {
	text, err := m.vault.Open(ctx, pushSecretRef(p, secretPushKey, id))
	if err != nil {
		return apns.Key{}, err
	}
	defer clear(text)
	key, err := apns.ParseKey(text)
	if err != nil || key.ID() != id {
		return apns.Key{}, fmt.Errorf("%w: a stored private key is not what it was", storage.ErrDamaged)
	}
	return key, nil
}
