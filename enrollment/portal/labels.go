package portal

// look is one generation of one portal: its words and its labels.
type look struct {
	portal  string // the portal's name
	service string // the portal's word for a device management service
	url     string
	role    Role
	terms   string // the role that accepts Apple's terms
	paths   map[StepID][]Label
	notes   map[Task][]Note // beside those that count everywhere
	// assigning is who may assign devices, where it is not the role that manages services.
	assigning *Role
}

// looks has every generation of both portals. School kept its look while Business changed: Microsoft's page of April
// 2026 describes both side by side.
var looks = map[Product]map[Generation]look{
	Business: {Generation2026: business2026, Generation2025: business2025, Generation2024: business2024},
	School:   {Generation2026: school, Generation2025: school, Generation2024: school},
}

// path makes labels that are known in the same way.
func path(c Certainty, s Source, texts ...string) []Label {
	labels := make([]Label, len(texts))
	for i, t := range texts {
		labels[i] = Label{Text: t, Certainty: c, Source: s}
	}
	return labels
}

var business2026 = look{
	portal: "Apple Business", service: "device management service", url: "https://business.apple.com",
	terms: "Organization Administrator",
	role: Role{
		Names:      []string{"Organization Administrator"},
		Permission: "view, add, and delete device management services",
		Certainty:  ByApple, Source: appleBusinessLink,
	},
	paths: map[StepID][]Label{
		renewList:     path(ByApple, appleBusinessLink, "Devices", "Management Services"),
		renewEdit:     append(path(ByVendor, intune2026, "Actions (…)"), path(ByVendor, cortado2026, "Edit")...),
		renewReplace:  path(ByVendor, cortado2026, "Replace Certificate"),
		renewSave:     path(ByVendor, cortado2026, "Save"),
		renewDownload: path(ByVendor, intune2026, "Actions (…)", "Download Token"),
		addList:       path(ByApple, appleBusinessLink, "Devices", "Management Services"),
		addNew:        path(ByApple, appleBusinessLink, "Connect external device management", "Continue"),
		addNoRelease:  path(ByApple, appleBusinessLink, "Release Devices"),
		addSave:       path(ByApple, appleBusinessLink, "Next"),
		addDownload:   path(ByVendor, intune2026, "Download Token"),

		assignList:    append(path(ByApple, appleBusinessLink, "Devices"), path(Assumed, intune2026, "Inventory")...),
		assignChoose:  path(Assumed, intune2026, "Assign Device Management"),
		assignSave:    path(Assumed, intune2026, "Continue"),
		migrateList:   append(path(ByApple, appleBusinessLink, "Devices"), path(Assumed, intune2026, "Inventory")...),
		migrateChoose: path(Assumed, intune2026, "Assign Device Management"),
		migrateSave:   path(Assumed, intune2026, "Continue"),
	},
	assigning: &Role{
		Names: []string{"Organization Administrator"}, Permission: "assign devices to services",
		Certainty: ByApple, Source: appleSchoolRoles,
	},
	notes: map[Task][]Note{Add: {
		{"note.get_started", "If it is the organization's first device management service of any kind, the portal offers Get Started instead."},
	}},
}

var business2025 = look{
	portal: "Apple Business Manager", service: "device management service", url: "https://business.apple.com",
	terms: "Administrator",
	role: Role{
		Names:     []string{"Administrator", "Device Enrollment Manager"},
		Certainty: ByVendor, Source: nsight2025,
	},
	paths: map[StepID][]Label{
		renewList:     path(ByVendor, nsight2025, yourName, "Preferences", "Device Management Services"),
		renewEdit:     path(ByVendor, nsight2025, "Edit"),
		renewReplace:  path(ByVendor, nsight2025, "Service Settings", "Replace Certificate"),
		renewSave:     path(ByVendor, nsight2025, "Save"),
		renewDownload: path(ByVendor, nsight2025, "Download Token", "Download Token"),
		addList:       path(ByVendor, nsight2025, yourName, "Preferences", "Device Management Services"),
		addNew:        path(Assumed, nsight2025, "Add"),
		addNoRelease:  path(Assumed, nsight2025, "Allow this service to release devices"),
		addSave:       path(Assumed, nsight2025, "Save"),
		addDownload:   path(Assumed, nsight2025, "Download Token", "Download Token"),
	},
}

var business2024 = look{
	portal: "Apple Business Manager", service: "MDM server", url: "https://business.apple.com",
	terms: "Administrator",
	role: Role{
		Names:     []string{"Administrator", "Device Enrollment Manager"},
		Certainty: ByVendor, Source: intune2024,
	},
	paths: map[StepID][]Label{
		renewList:     path(ByVendor, ncentral2024, yourName, "Preferences", "Your MDM Servers"),
		renewEdit:     path(ByVendor, ncentral2024, "Edit"),
		renewReplace:  path(ByVendor, ncentral2024, "MDM Server Settings"),
		renewSave:     path(ByVendor, ncentral2024, "Done"),
		renewDownload: path(ByVendor, intune2024, "Download Token", "Download Server Token"),
		addList:       path(ByVendor, ncentral2024, yourName, "Preferences", "Your MDM Servers"),
		addNew:        path(Assumed, intune2024, "Add"),
		addNoRelease:  path(Assumed, intune2024, "Allow this MDM Server to release devices"),
		addSave:       path(Assumed, intune2024, "Save"),
		addDownload:   path(ByVendor, intune2024, "Download Token", "Download Server Token"),
	},
}

var school = look{
	portal: "Apple School Manager", service: "MDM server", url: "https://school.apple.com",
	terms: "Administrator",
	role: Role{
		Names:     []string{"Administrator", "Site Manager", "Device Enrollment Manager"},
		Certainty: ByApple, Source: appleSchoolRoles,
	},
	paths: map[StepID][]Label{
		renewList:     path(ByVendor, intune2026, yourName, "Preferences", "Your MDM Servers"),
		renewEdit:     path(Assumed, ncentral2024, "Edit"),
		renewReplace:  path(Assumed, ncentral2024, "MDM Server Settings"),
		renewSave:     path(Assumed, intune2026, "Save"),
		renewDownload: path(ByVendor, intune2026, "Download Token"),
		addList:       path(ByVendor, intune2026, yourName, "Preferences", "Your MDM Servers"),
		addNew:        path(ByVendor, intune2026, "Add"),
		addNoRelease:  path(Assumed, intune2024, "Allow this MDM Server to release devices"),
		addSave:       path(ByVendor, intune2026, "Save"),
		addDownload:   path(ByVendor, intune2026, "Download Token"),
	},
}

// yourName is what is clicked to get to the preferences: the name of who is signed in, at the bottom of the sidebar.
const yourName = "your name (bottom left)"
