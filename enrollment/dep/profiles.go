package dep

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// DefineProfile gives Apple a new profile and returns its UUID. A profile cannot be changed: define another one and assign
// that. What Apple does not take is an [*Error] that matches [ErrRequest] and says which value.
//
// With [ErrUnknown] there may be a profile that nobody knows the UUID of. It does nothing until it is assigned, so
// defining it again is right.
func (c *Client) DefineProfile(ctx context.Context, p Profile) (uuid string, err error) {
	body, err := p.body()
	if err != nil {
		return "", err
	}
	k := call{method: http.MethodPost, path: "/profile", body: body, write: true}
	var answer statusesAnswer
	if err := c.do(ctx, k, &answer); err != nil {
		return "", err
	}
	if uuid = answer.UUID.ID(); !untrusted.Identifier(uuid, maxName) {
		return "", k.maybe(fmt.Errorf("%w: %s: it names no profile", ErrAnswer, k.op()))
	}
	return uuid, nil
}

// Profile asks for a profile. [ErrNotFound]: the service has none with this UUID.
func (c *Client) Profile(ctx context.Context, uuid string) (Profile, error) {
	if err := profileUUID(uuid); err != nil {
		return Profile{}, err
	}
	k := call{method: http.MethodGet, path: "/profile", query: url.Values{"profile_uuid": {uuid}}}
	answer := object{}
	if err := c.do(ctx, k, &answer); err != nil {
		return Profile{}, err
	}
	p, err := newProfile(answer)
	if err == nil && p.UUID != "" && p.UUID != uuid {
		err = errOtherProfile
	}
	if err != nil {
		return Profile{}, fmt.Errorf("%w: %s: %w", ErrAnswer, k.op(), err)
	}
	p.UUID = uuid
	return p, nil
}

// AssignProfile assigns a profile to devices. There is a [Result] for each, in the order of the serial numbers and without
// repetition: look at all of them. Throttled ones are to be tried again after [Result.RetryAfter], the others not. A
// device that is set up already notices nothing until it is erased.
//
// More than [MaxDevices] are assigned in parts; with an [*IncompleteError] the results are those that Apple answered before.
// Assigning the same profile twice does no harm, so a part of which it is not known ([ErrUnknown]) may be repeated.
//
// [ErrNotFound]: the service has no such profile.
func (c *Client) AssignProfile(ctx context.Context, uuid string, serials ...string) ([]Result, error) {
	if err := profileUUID(uuid); err != nil {
		return nil, err
	}
	// Apple's older documents have PUT here, the present ones POST.
	return c.change(ctx, call{method: http.MethodPost, path: profileDevices}, serials, func(part []string) any {
		return struct {
			UUID    string   `json:"profile_uuid"`
			Devices []string `json:"devices"`
		}{uuid, part}
	})
}

// RemoveProfile takes the profiles of devices away. A device that has fetched its profile keeps it until it is erased. The
// results and errors are those of [Client.AssignProfile].
func (c *Client) RemoveProfile(ctx context.Context, serials ...string) ([]Result, error) {
	return c.change(ctx, call{method: http.MethodDelete, path: profileDevices}, serials, func(part []string) any {
		return devicesRequest{part}
	})
}

const profileDevices = "/profile/devices"

var errOtherProfile = errors.New("it is another profile")

func profileUUID(uuid string) error {
	if !untrusted.Identifier(uuid, maxName) {
		return wrongInput("%q is no UUID of a profile", untrusted.Clean(uuid, maxName))
	}
	return nil
}
