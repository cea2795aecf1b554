package dep

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// maxProfile bounds a profile that is read, in bytes: it may hold certificates.
const maxProfile = 1 << 20

// ReadProfile reads a new profile in Apple's own words: one JSON object with "profile_name", "url", "org_magic" and so on
// (Apple, "Profile", 2026). What the package does not know goes along in [Profile.Extra]. The error matches [ErrInput] and
// says what is wrong.
func ReadProfile(text []byte) (Profile, error) {
	if len(text) > maxProfile {
		return Profile{}, wrongInput("the profile is larger than %d bytes", maxProfile)
	}
	o := object{}
	err := untrusted.CheckJSON(text)
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return Profile{}, fmt.Errorf("%w: the profile: %w", ErrInput, err)
	}
	for _, name := range []string{"profile_uuid", "devices"} {
		if _, has := o[name]; has {
			return Profile{}, wrongInput("a new profile has no %q: Apple gives it its UUID, and it is assigned to devices later", name)
		}
	}
	p, err := newProfile(o)
	switch {
	case err != nil:
		return Profile{}, wrongInput("the profile: %v (Apple, \"Profile\")", err)
	case p.Name == "" || p.Magic == "":
		return Profile{}, wrongInput("the profile needs a profile_name and an org_magic")
	case p.URL == "" && p.WebURL == "":
		return Profile{}, wrongInput("the profile needs the url where devices enroll, or a configuration_web_url")
	case !plainURL(p.URL) || !plainURL(p.WebURL):
		return Profile{}, wrongInput("the url of the profile has to be an address without a password in it: everybody with the device reads it")
	case p.NotRemovable && !p.Supervised:
		return Profile{}, wrongInput("a profile that cannot be removed (is_mdm_removable: false) needs is_supervised: true")
	}
	return p, nil
}

// plainURL reports whether a text is an address that may be shown; an empty one is.
func plainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User == nil && (text == "" || u.Host != "")
}
