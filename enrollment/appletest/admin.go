package appletest

import (
	"fmt"
	"slices"
)

// Admin is a person with an Apple Account in an organization. The tokens that a person downloads depend on that
// person: they die when the password changes or the person leaves.
type Admin struct {
	org     *Organization
	account string
	roles   []Role
	left    bool
}

// AddAdmin adds a person; without roles, one who may do everything: the Administrator, in Apple Business the
// Organization Administrator.
func (o *Organization) AddAdmin(account string, roles ...Role) *Admin {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	if len(roles) == 0 {
		roles = []Role{firstRole(o.apple.portal, o.kind)}
	}
	admin := &Admin{org: o, account: account, roles: slices.Clone(roles)}
	o.admins = append(o.admins, admin)
	return admin
}

// Account returns the Apple Account, which is the admin_id of the tokens that this person downloads.
func (p *Admin) Account() string { return p.account }

// Organization returns the organization of this person.
func (p *Admin) Organization() *Organization { return p.org }

// ChangePassword changes the password of the Apple Account, which kills the tokens that this person downloaded
// (Apple Business User Guide).
func (p *Admin) ChangePassword() {
	p.org.apple.mu.Lock()
	defer p.org.apple.mu.Unlock()
	p.killTokens(PasswordChanged)
}

// Leave removes the person from the organization, which kills the tokens that this person downloaded (Apple Business
// User Guide).
func (p *Admin) Leave() {
	p.org.apple.mu.Lock()
	defer p.org.apple.mu.Unlock()
	p.left = true
	p.killTokens(AdminLeft)
}

func (p *Admin) killTokens(cause Death) {
	for _, s := range p.org.services {
		if s.present != nil && s.present.admin == p {
			s.kill(cause)
		}
	}
}

// may needs the lock.
func (p *Admin) may(what Permission) error {
	if p.left {
		return ErrLeft
	}
	for _, role := range p.roles {
		if slices.Contains(p.org.roles[role], what) {
			return nil
		}
	}
	return fmt.Errorf("%w: %q needs the permission to %s", ErrRole, p.account, what)
}

// mayManage says whether this person may work on a service; needs the lock.
func (p *Admin) mayManage(s *Service) error {
	if err := p.may(ManageServices); err != nil {
		return err
	}
	if s.org != p.org {
		return ErrForeign
	}
	if s.deleted {
		return ErrDeleted
	}
	return nil
}
