package appletest

import "slices"

// Portal is a generation of Apple's portal.
type Portal string

// The generations of the portal for companies. Apple School Manager (an organization of type [Education]) has had
// the same roles in all of them.
const (
	Portal2024 Portal = "2024" // Apple Business Manager, "MDM Servers"
	Portal2025 Portal = "2025" // Apple Business Manager, "Device Management Services"
	Portal2026 Portal = "2026" // Apple Business
)

// Role is the name of a role, as the portal shows it.
type Role string

// The roles that concern device management. Which of them exist depends on the portal.
const (
	Administrator             Role = "Administrator"              // Business Manager and School Manager
	SiteManager               Role = "Site Manager"               // School Manager
	DeviceEnrollmentManager   Role = "Device Enrollment Manager"  // all
	OrganizationAdministrator Role = "Organization Administrator" // Apple Business
	ContentManager            Role = "Content Manager"            // all; manages no services
	Staff                     Role = "Staff"                      // all; manages no services
)

// Permission is what a role may do.
type Permission string

// The permissions that the fake knows.
const (
	ManageServices Permission = "view, add, and delete device management services"
	AssignDevices  Permission = "assign devices to services"
	AcceptTerms    Permission = "accept terms"
)

// permissions says what the roles of a portal may do. In Apple Business permissions belong to roles that the
// organization edits ([Organization.DefineRole]); terms are the Organization Administrator's alone.
func permissions(portal Portal, kind OrganizationType) map[Role][]Permission {
	services := []Permission{ManageServices, AssignDevices}
	all := []Permission{ManageServices, AssignDevices, AcceptTerms}
	switch {
	case kind == Education:
		return map[Role][]Permission{Administrator: all, SiteManager: services, DeviceEnrollmentManager: services}
	case portal == Portal2026:
		return map[Role][]Permission{OrganizationAdministrator: all, DeviceEnrollmentManager: services}
	default:
		return map[Role][]Permission{Administrator: all, DeviceEnrollmentManager: services}
	}
}

// firstRole is the role of the person who signed the organization up.
func firstRole(portal Portal, kind OrganizationType) Role {
	if portal == Portal2026 && kind != Education {
		return OrganizationAdministrator
	}
	return Administrator
}

// DefineRole makes a role of the organization's own, or changes what a role may do, as Apple Business allows. Only
// the Organization Administrator accepts terms, whatever is given here.
func (o *Organization) DefineRole(role Role, may ...Permission) {
	o.apple.mu.Lock()
	defer o.apple.mu.Unlock()
	may = slices.DeleteFunc(slices.Clone(may), func(p Permission) bool {
		return p == AcceptTerms && role != firstRole(o.apple.portal, o.kind)
	})
	o.roles[role] = may
}
