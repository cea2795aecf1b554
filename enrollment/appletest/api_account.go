package appletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// maxAPIAccounts is how many an organization may have (Apple Business User Guide).
const maxAPIAccounts = 50

// APIAccount is an account for the Apple Business or School Manager API, with what the portal shows of it once.
type APIAccount struct {
	ClientID   string // "BUSINESSAPI." or "SCHOOLAPI." and a UUID
	KeyID      string
	PrivateKey []byte // EC P-256 as PEM, PKCS #8
}

// apiAccount is what Apple keeps.
type apiAccount struct {
	org             *Organization
	clientID, keyID string
	public          *ecdsa.PublicKey
	calls           []apiCall // of the last hour, for the rate limits
	jtis            map[string]bool
}

// CreateAPIAccount makes an account for the API and its key. In Apple Business that is the Organization Administrator's to
// do, in Apple School Manager an Administrator's or a Site Manager's.
func (p *Admin) CreateAPIAccount() (APIAccount, error) {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := p.may(ManageServices); err != nil {
		return APIAccount{}, err
	}
	if !p.hasRole(firstRole(a.portal, p.org.kind)) && (p.org.kind != Education || !p.hasRole(SiteManager)) {
		return APIAccount{}, fmt.Errorf("%w: %q is no administrator", ErrRole, p.account)
	}
	held := 0
	for _, account := range a.apiAccounts {
		if account.org == p.org {
			held++
		}
	}
	if held >= maxAPIAccounts {
		return APIAccount{}, ErrTooManyAPIAccounts
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.random)
	if err != nil {
		return APIAccount{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return APIAccount{}, err
	}
	account := &apiAccount{
		org: p.org, clientID: p.org.apiPrefix() + "API." + a.dashedUUID(), keyID: a.dashedUUID(), public: &key.PublicKey,
		jtis: map[string]bool{},
	}
	a.apiAccounts[account.clientID] = account
	return APIAccount{
		ClientID: account.clientID, KeyID: account.keyID,
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

// RevokeAPIAccount ends an account: its tokens are dead, and it gets no others.
func (p *Admin) RevokeAPIAccount(clientID string) {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if account := a.apiAccounts[clientID]; account != nil && account.org == p.org {
		delete(a.apiAccounts, clientID)
		for id, t := range a.apiTokens {
			if t.account == account {
				delete(a.apiTokens, id)
			}
		}
	}
}

func (p *Admin) hasRole(role Role) bool {
	for _, r := range p.roles {
		if r == role {
			return true
		}
	}
	return false
}

// apiPrefix is BUSINESS or SCHOOL.
func (o *Organization) apiPrefix() string {
	if o.kind == Education {
		return "SCHOOL"
	}
	return "BUSINESS"
}

// dashedUUID is a UUID as the API writes those of accounts and activities.
func (a *Apple) dashedUUID() string {
	h := strings.ToLower(a.randomHex(16))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
