package enrollmenttest

import (
	"context"
	"errors"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeReader knows one profile, sound but for its quirk.
type fakeReader struct{ quirk quirk }

func (f fakeReader) HasProfile(ctx context.Context, _ enrollment.Service, profile string) (enrollment.Known, error) {
	if ctx.Err() != nil && f.quirk != "does not look at its context" {
		return enrollment.NotKnown, ctx.Err()
	}
	has := enrollment.NormalUUID(profile) == enrollment.NormalUUID(profileUUID)
	if f.quirk == "takes a UUID by its letters" {
		has = profile == profileUUID
	}
	switch {
	case f.quirk == "knows nothing", !has && f.quirk == "is not sure of what it does not find":
		return enrollment.NotKnown, nil
	case has, f.quirk == "has every profile":
		return enrollment.Yes, nil
	case f.quirk == "fails where it finds nothing":
		return enrollment.NotKnown, errors.New("not found")
	}
	return enrollment.No, nil
}

func profileReaderRig(_ testing.TB, q quirk) ProfileReaderRig {
	return ProfileReaderRig{
		Reader: fakeReader{q}, Service: enrollment.Service{Tenant: "acme", Server: "srv_new"},
		Profile: "34d3b4f0-aaaa-4bbb-8ccc-0123456789ab", Unknown: "00D3B4F0-AAAA-4BBB-8CCC-0123456789AB",
	}
}

func TestProfileReadersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, profileReaderCases, profileReaderRig, map[string][]quirk{
		"a profile of the service is there":                {"knows nothing", "takes a UUID by its letters"},
		"a profile that the service does not have is told": {"has every profile", "is not sure of what it does not find", "fails where it finds nothing"},
		"a context that has ended is told":                 {"does not look at its context"},
	})
}
