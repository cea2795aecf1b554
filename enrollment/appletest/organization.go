package appletest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// OrganizationType is the org_type of an account.
type OrganizationType string

// The types of an organization (Apple, "Account detail").
const (
	Company    OrganizationType = "org"
	Education  OrganizationType = "edu"
	TVProvider OrganizationType = "tvprovider"
)

// maxCertificates is the number of public key certificates of an organization (Apple Business User Guide).
const maxCertificates = 250

// Organization is a customer of Apple's.
type Organization struct {
	apple *Apple

	id, idHash, name      string
	email, phone, address string
	kind                  OrganizationType
	roles                 map[Role][]Permission
	admins                []*Admin
	services              []*Service
	devices, released     map[string]*device
	termsPending          bool
	noActivationLock      bool
}

// AddOrganization adds a company.
func (a *Apple) AddOrganization(name string) *Organization { return a.addOrganization(name, Company) }

// AddSchool adds an organization that uses Apple School Manager.
func (a *Apple) AddSchool(name string) *Organization { return a.addOrganization(name, Education) }

func (a *Apple) addOrganization(name string, kind OrganizationType) *Organization {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprintf("%d", 1_000_000+len(a.organizations))
	digest := sha256.Sum256([]byte(id))
	o := &Organization{
		apple: a, id: id, idHash: hex.EncodeToString(digest[:]), name: name, kind: kind,
		email: "info@" + strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example",
		phone: "+1 555 0100", address: "1 Example Street, Springfield",
		roles: permissions(a.portal, kind), devices: map[string]*device{}, released: map[string]*device{},
	}
	a.organizations = append(a.organizations, o)
	return o
}

// ID returns the org_id.
func (o *Organization) ID() string { return o.id }

// IDHash returns the org_id_hash.
func (o *Organization) IDHash() string { return o.idHash }

// Name returns the name of the day.
func (o *Organization) Name() string {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	return o.name
}

// Rename changes the name; the identifiers stay.
func (o *Organization) Rename(name string) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	o.name = name
}

// RequireTerms publishes new terms: the calls of every token of the organization are answered with 403
// T_C_NOT_SIGNED until they are accepted. No token dies of it.
func (o *Organization) RequireTerms() {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	o.termsPending = true
}

// AcceptTerms accepts the terms; only an administrator may.
func (o *Organization) AcceptTerms(by *Admin) error {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	if by.org != o {
		return ErrForeign
	}
	if err := by.may(AcceptTerms); err != nil {
		return err
	}
	o.termsPending = false
	return nil
}

// certificates counts the public key certificates in use; needs the lock.
func (o *Organization) certificates() int {
	n := 0
	for _, s := range o.services {
		if !s.deleted {
			n++
		}
	}
	return n
}
