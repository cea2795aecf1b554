package enrollmenttest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeService is a service that gives profiles and lists devices, sound but for its quirk.
type fakeService struct {
	quirk    quirk
	profiles map[string]string // by serial number
}

const profileUUID = "34D3B4F0-AAAA-4BBB-8CCC-0123456789AB"

func (f *fakeService) AssignProfile(ctx context.Context, _ enrollment.Service, profile string, serials []string) ([]enrollment.DeviceResult, error) {
	switch {
	case ctx.Err() == nil, f.quirk == "does not look at its context":
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	default:
		return nil, ctx.Err()
	}
	out := []enrollment.DeviceResult{}
	if len(serials) == 0 && f.quirk == "fails without devices" {
		return nil, enrollment.ErrNoDevice
	}
	for _, serial := range serials {
		result := enrollment.DeviceResult{Serial: serial, Outcome: enrollment.OK}
		has, known := f.profiles[serial]
		switch {
		case !known && f.quirk == "calls a device ok that is not there":
		case !known && f.quirk == "fails as a whole for one device":
			return nil, enrollment.ErrNoDevice
		case !known && f.quirk == "leaves out who is not there":
			continue
		case !known:
			result.Outcome = enrollment.Fatal
		case f.quirk == "says ok and does nothing":
		case has != "" && f.quirk == "takes the profile away the second time":
			f.profiles[serial] = ""
		case f.quirk == "says fatal and does it":
			f.profiles[serial], result.Outcome = profile, enrollment.Fatal
		case f.quirk == "never says ok":
			result.Outcome = enrollment.Retry
		case f.quirk == "has words of its own":
			f.profiles[serial], result.Outcome = profile, "SUCCESS"
		case f.quirk == "writes serial numbers its own way":
			f.profiles[serial], result.Serial = profile, strings.ToLower(serial)
		default:
			f.profiles[serial] = strings.ToLower(profile)
		}
		out = append(out, result)
	}
	switch f.quirk {
	case "turns the order":
		slices.Reverse(out)
	case "gives it to all":
		for serial := range f.profiles {
			f.profiles[serial] = profile
		}
	}
	return out, nil
}

func profileRig(_ testing.TB, q quirk) ProfileAssignerRig {
	f := &fakeService{quirk: q, profiles: map[string]string{"S1": "", "S2": "", "S3": ""}}
	return ProfileAssignerRig{
		Assigner: f, Service: enrollment.Service{Tenant: "acme", Server: "to"}, Profile: profileUUID,
		Serials: []string{"S1", "S2", "S3"}, Unknown: "S9",
		ProfileOf: func(serial string) string { return f.profiles[serial] },
	}
}

func TestProfileAssignersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, profileCases, profileRig, map[string][]quirk{
		"each device gets the profile, and no others": {
			"says ok and does nothing", "says fatal and does it", "never says ok", "has words of its own", "writes serial numbers its own way",
			"turns the order", "gives it to all",
		},
		"one device that is not there fails alone": {
			"calls a device ok that is not there", "fails as a whole for one device", "leaves out who is not there",
		},
		"doing it twice does no harm":      {"takes the profile away the second time"},
		"no devices are no error":          {"fails without devices"},
		"a context that has ended is told": {"does not look at its context", "panics with a context that has ended"},
	})
}
