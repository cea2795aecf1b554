package appletest

import (
	"net/url"
	"unicode/utf8"
)

// profileFields are the fields of a profile that Apple checks.
type profileFields struct {
	Name         *string `json:"profile_name"`
	URL          *string `json:"url"`
	WebURL       *string `json:"configuration_web_url"`
	Department   string  `json:"department"`
	Magic        string  `json:"org_magic"`
	SupportPhone string  `json:"support_phone_number"`
	SupportEmail string  `json:"support_email_address"`
	Language     string  `json:"language"`
	Region       string  `json:"region"`
	Removable    *bool   `json:"is_mdm_removable"`
	Supervised   bool    `json:"is_supervised"`
}

// check returns the code of the first fault (Apple, "Define a profile"), empty if there is none.
func (f profileFields) check() string {
	address := f.URL
	if address == nil {
		address = f.WebURL
	}
	switch {
	case f.Name == nil || *f.Name == "":
		return "CONFIG_NAME_REQUIRED"
	case longer(*f.Name, 125):
		return "CONFIG_NAME_INVALID"
	case address == nil || *address == "":
		return "CONFIG_URL_REQUIRED"
	case longer(*address, 2000) || !absolute(*address):
		return "CONFIG_URL_INVALID"
	case longer(f.Department, 125):
		return "DEPARTMENT_INVALID"
	case f.Magic == "" || longer(f.Magic, 256):
		return "MAGIC_INVALID"
	case longer(f.SupportPhone, 50):
		return "SUPPORT_PHONE_INVALID"
	case longer(f.SupportEmail, 250):
		return "SUPPORT_EMAIL_INVALID"
	case f.Removable != nil && !*f.Removable && !f.Supervised:
		return "FLAGS_INVALID"
	case f.Language != "" && (len(f.Language) < 2 || len(f.Language) > 3), f.Region != "" && len(f.Region) != 2:
		return "LOCALE_INVALID"
	}
	return ""
}

func longer(s string, than int) bool { return utf8.RuneCountInString(s) > than }

func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != ""
}
