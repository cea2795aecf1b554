package runner

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// secretAPI is the kind, and the owner, of the secret of a tenant's API account.
const secretAPI = "api_key"

func apiSecretRef(tenant, id string) storage.SecretRef {
	return storage.SecretRef{Tenant: tenant, Owner: secretAPI, Kind: secretAPI, ID: id, Generation: 1}
}

// APIAccountInput is what Apple's portal shows of an API account. The private key is downloaded once, by whoever made it.
type APIAccountInput struct {
	ClientID   string
	KeyID      string
	PrivateKey []byte // PEM: EC on the curve P-256, not encrypted
}

// APIKey is an API account with its private key: what a client of the API is made of. It does not print its key.
type APIKey struct {
	enrollment.APIAccount
	PrivateKey abmtoken.Secret // PEM
}

// SetAPIAccount gives the tenant its account for the Apple Business or School Manager API, or another one in the place of
// that. Giving it the one that it has changes nothing. Apple is not asked: whether it takes the account shows with the first
// call.
func (t *Tenant) SetAPIAccount(ctx context.Context, by enrollment.Actor, in APIAccountInput) (enrollment.APIAccount, error) {
	if err := validActor(by); err != nil {
		return enrollment.APIAccount{}, err
	}
	account := enrollment.APIAccount{
		ClientID: strings.TrimSpace(in.ClientID), KeyID: strings.TrimSpace(in.KeyID), Secret: t.r.cfg.NewID("apk"), AddedBy: by,
	}
	key, err := enrollment.CheckAPIAccount(account.ClientID, account.KeyID, in.PrivateKey)
	if wrong, is := errors.AsType[*enrollment.APIAccountError](err); is {
		return enrollment.APIAccount{}, invalid(wrong.Field, wrong.Rule).Because(err)
	}
	account.Key = enrollment.APIKeyFingerprint(key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return enrollment.APIAccount{}, asProblem(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(text)
	err = t.change(ctx, func(c *change) error {
		if err := c.open(ctx, by); err != nil {
			return err
		}
		had := c.tenant.Value.API
		if had != nil && had.ClientID == account.ClientID && had.KeyID == account.KeyID && had.Key == account.Key {
			account = *had
			return nil
		}
		account.AddedAt = c.now
		if err := c.sealSecret(ctx, apiSecretRef(c.tenant.Tenant, account.Secret), text); err != nil {
			return err
		}
		fact := enrollment.NewAuditFact(enrollment.ActAPIAccountSet, by, "client_id", account.ClientID, "key_id", account.KeyID)
		if had != nil {
			fact.From = had.ClientID
			if err := c.dropSecret(ctx, apiSecretRef(c.tenant.Tenant, had.Secret)); err != nil {
				return err
			}
		}
		fact.To = account.ClientID
		set := account
		c.tenant.Value.API, c.tenant.moved = &set, true
		return c.noteTenant(ctx, fact)
	})
	return account, err
}

// APIAccount returns the tenant's API account, without its key. The error's code is not_found where it has none.
func (t *Tenant) APIAccount(ctx context.Context) (enrollment.APIAccount, error) {
	tenant, err := t.opened(ctx)
	if err == nil && tenant.API == nil {
		err = noAPIAccount()
	}
	if err != nil {
		return enrollment.APIAccount{}, err
	}
	return *tenant.API, nil
}

// RemoveAPIAccount destroys what is kept of the tenant's API account. From then on its devices are assigned by people, also
// those of plans under way. At Apple the account lives on: whoever administers the organization revokes it there.
func (t *Tenant) RemoveAPIAccount(ctx context.Context, by enrollment.Actor) error {
	if err := validActor(by); err != nil {
		return err
	}
	return t.change(ctx, func(c *change) error {
		had := c.tenant.Value.API
		if had == nil {
			return noAPIAccount()
		}
		if err := c.dropSecret(ctx, apiSecretRef(c.tenant.Tenant, had.Secret)); err != nil {
			return err
		}
		c.tenant.Value.API, c.tenant.moved = nil, true
		fact := enrollment.NewAuditFact(enrollment.ActAPIAccountGone, by, "client_id", had.ClientID, "key_id", had.KeyID)
		fact.From = had.ClientID
		return c.noteTenant(ctx, fact)
	})
}

// APIKey returns the tenant's API account with its key, for the host's client of the API, such as enrollment/axm's. Each call
// reads the store; a host keeps its client for as long as [enrollment.APIAccount.Secret] stays the same. The error's code is
// not_found where the tenant has no account.
func (t *Tenant) APIKey(ctx context.Context) (APIKey, error) {
	for range attempts {
		account, err := t.APIAccount(ctx)
		if err != nil {
			return APIKey{}, err
		}
		text, err := t.r.vault.Open(ctx, apiSecretRef(string(t.id), account.Secret))
		if errors.Is(err, storage.ErrNotFound) {
			continue // it was replaced between the two reads
		}
		if err != nil {
			return APIKey{}, asProblem(err)
		}
		key, err := enrollment.CheckAPIAccount(account.ClientID, account.KeyID, text)
		if err != nil || enrollment.APIKeyFingerprint(key) != account.Key {
			return APIKey{}, asProblem(fmt.Errorf("%w: a stored key of an API account is not what it was", storage.ErrDamaged))
		}
		secret := string(text)
		clear(text)
		return APIKey{APIAccount: account, PrivateKey: abmtoken.NewSecret(secret)}, nil
	}
	return APIKey{}, enrollment.NewProblem(enrollment.CodeConflict)
}

func noAPIAccount() error {
	return enrollment.NewProblem(enrollment.CodeNotFound, "what", "API account")
}
