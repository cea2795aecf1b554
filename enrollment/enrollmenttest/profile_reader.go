package enrollmenttest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/abmrenew/abmrenew/enrollment"
)

// ProfileReaderRig is a profile reader with a service behind it.
type ProfileReaderRig struct {
	Reader  enrollment.ProfileReader
	Service enrollment.Service
	Profile string // the UUID of a profile of the service
	Unknown string // a UUID of which the service has no profile
}

// RunProfileReader runs every case.
func RunProfileReader(t *testing.T, newRig func(t testing.TB) ProfileReaderRig) {
	t.Helper()
	run(t, newRig, profileReaderCases)
}

// says fails unless the reader says so of a profile.
func (r ProfileReaderRig) says(ctx context.Context, profile string, want enrollment.Known) error {
	got, err := r.Reader.HasProfile(ctx, r.Service, profile)
	switch {
	case err != nil:
		return fmt.Errorf("the service was not read: %w", err)
	case got != want:
		return fmt.Errorf("of the profile %q it says %q instead of %q", profile, got, want)
	}
	return nil
}

var profileReaderCases = []testCase[ProfileReaderRig]{
	{"a profile of the service is there", func(ctx context.Context, r ProfileReaderRig) error {
		return each(
			func() error { return r.says(ctx, r.Profile, enrollment.Yes) },
			func() error { return r.says(ctx, strings.ToUpper(r.Profile), enrollment.Yes) },
		)
	}},
	{"a profile that the service does not have is told", func(ctx context.Context, r ProfileReaderRig) error {
		return r.says(ctx, r.Unknown, enrollment.No)
	}},
	{"a context that has ended is told", func(_ context.Context, r ProfileReaderRig) error {
		return cancelled(func(ctx context.Context) error {
			_, err := r.Reader.HasProfile(ctx, r.Service, r.Profile)
			return err
		})
	}},
}
