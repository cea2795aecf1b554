package dep

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// Profile is an enrollment profile for Automated Device Enrollment: where a device enrolls, and how its Setup Assistant
// behaves (Apple, "Profile", 2026). The switches that are off are Apple's defaults.
type Profile struct {
	UUID string // Apple's name for it; empty in a new one

	Name         string // needed; at most 125 characters
	URL          string // of the device management service; at most 2000 characters
	WebURL       string // configuration_web_url: a page that authenticates the person and leads to the enrollment
	Magic        string // org_magic, needed: the same in services that one organization manages; at most 256 characters
	Department   string // at most 125 characters
	SupportPhone string // at most 50 characters
	SupportEmail string // at most 250 characters
	Language     string // ISO 639, of two or three letters
	Region       string // ISO 3166-1, of two letters

	Supervised            bool // iOS 13 and later always are
	Mandatory             bool
	NotRemovable          bool // is_mdm_removable is false: the person cannot remove the management; needs Supervised
	MultiUser             bool // Shared iPad
	AwaitConfigured       bool // await_device_configured: Setup Assistant waits for the command DeviceConfigured
	AutoAdvance           bool // auto_advance_setup; tvOS and macOS
	ReturnToService       bool // is_return_to_service; iOS 26 and later
	NoProfileFromBackup   bool // do_not_use_profile_from_backup; iOS 26 and later
	SkipItems             []string
	AnchorCertificates    []string // base64 of DER: whom the device trusts at URL
	SupervisingHostsCerts []string // base64 of DER: which computers may pair

	// Extra are fields that this package does not know. They are sent with the profile, but do not replace any above.
	Extra map[string]json.RawMessage
}

// profileFields are the fields as Apple names them. Texts come back as they were defined, not shortened, because a
// profile that was read may be defined again.
type profileFields struct {
	UUID                  string   `json:"profile_uuid,omitempty"`
	Name                  string   `json:"profile_name,omitempty"`
	URL                   string   `json:"url,omitempty"`
	WebURL                string   `json:"configuration_web_url,omitempty"`
	Magic                 string   `json:"org_magic,omitempty"`
	Department            string   `json:"department,omitempty"`
	SupportPhone          string   `json:"support_phone_number,omitempty"`
	SupportEmail          string   `json:"support_email_address,omitempty"`
	Language              string   `json:"language,omitempty"`
	Region                string   `json:"region,omitempty"`
	Supervised            bool     `json:"is_supervised,omitempty"`
	Mandatory             bool     `json:"is_mandatory,omitempty"`
	Removable             *bool    `json:"is_mdm_removable"`
	MultiUser             bool     `json:"is_multi_user,omitempty"`
	AwaitConfigured       bool     `json:"await_device_configured,omitempty"`
	AutoAdvance           bool     `json:"auto_advance_setup,omitempty"`
	ReturnToService       bool     `json:"is_return_to_service,omitempty"`
	NoProfileFromBackup   bool     `json:"do_not_use_profile_from_backup,omitempty"`
	SkipItems             []string `json:"skip_setup_items,omitempty"`
	AnchorCertificates    []string `json:"anchor_certs,omitempty"`
	SupervisingHostsCerts []string `json:"supervising_host_certs,omitempty"`
}

// named are the names of profileFields, and of what belongs to other calls.
var named = []string{
	"profile_uuid", "profile_name", "url", "configuration_web_url", "org_magic", "department", "support_phone_number",
	"support_email_address", "language", "region", "is_supervised", "is_mandatory", "is_mdm_removable", "is_multi_user",
	"await_device_configured", "auto_advance_setup", "is_return_to_service", "do_not_use_profile_from_backup",
	"skip_setup_items", "anchor_certs", "supervising_host_certs", "devices",
}

// body is the request that defines the profile.
func (p Profile) body() (any, error) {
	removable := !p.NotRemovable
	known, err := json.Marshal(profileFields{
		Name: p.Name, URL: p.URL, WebURL: p.WebURL, Magic: p.Magic, Department: p.Department,
		SupportPhone: p.SupportPhone, SupportEmail: p.SupportEmail, Language: p.Language, Region: p.Region,
		Supervised: p.Supervised, Mandatory: p.Mandatory, Removable: &removable, MultiUser: p.MultiUser,
		AwaitConfigured: p.AwaitConfigured, AutoAdvance: p.AutoAdvance, ReturnToService: p.ReturnToService,
		NoProfileFromBackup: p.NoProfileFromBackup, SkipItems: p.SkipItems, AnchorCertificates: p.AnchorCertificates,
		SupervisingHostsCerts: p.SupervisingHostsCerts,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	all := object{}
	for name, value := range p.Extra {
		if !json.Valid(value) {
			return nil, wrongInput("Extra[%q] is no JSON", untrusted.Clean(name, maxName))
		}
		all[name] = value
	}
	all.drop(named)
	if err := json.Unmarshal(known, &all); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	return all, nil
}

// newProfile takes a profile out of its object. A switch or address of another type makes it unusable: it would say
// something else than what devices get.
func newProfile(o object) (Profile, error) {
	var f profileFields
	raw, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return Profile{}, errors.New("its fields are not as documented")
	}
	o.drop(named)
	return Profile{
		UUID: f.UUID, Name: f.Name, URL: f.URL, WebURL: f.WebURL, Magic: f.Magic, Department: f.Department,
		SupportPhone: f.SupportPhone, SupportEmail: f.SupportEmail, Language: f.Language, Region: f.Region,
		Supervised: f.Supervised, Mandatory: f.Mandatory, NotRemovable: f.Removable != nil && !*f.Removable,
		MultiUser: f.MultiUser, AwaitConfigured: f.AwaitConfigured, AutoAdvance: f.AutoAdvance,
		ReturnToService: f.ReturnToService, NoProfileFromBackup: f.NoProfileFromBackup, SkipItems: f.SkipItems,
		AnchorCertificates: f.AnchorCertificates, SupervisingHostsCerts: f.SupervisingHostsCerts, Extra: o.rest(),
	}, nil
}
