package dep

import (
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// ErrInput says that what was asked for is not possible, and why. Nothing was sent.
var ErrInput = errors.New("dep: wrong input")

func wrongInput(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

// maxName bounds serial numbers and identifiers of profiles. Apple's have some tens of characters.
const maxName = 128

// distinct returns the serial numbers once each, in their order.
func distinct(serials []string) ([]string, error) {
	if len(serials) == 0 {
		return nil, wrongInput("no device is named")
	}
	seen := make(map[string]struct{}, len(serials))
	out := make([]string, 0, len(serials))
	for _, s := range serials {
		if !untrusted.Identifier(s, maxName) {
			return nil, wrongInput("%q is no serial number", untrusted.Clean(s, maxName))
		}
		if _, twice := seen[s]; !twice {
			seen[s] = struct{}{}
			out = append(out, s)
		}
	}
	return out, nil
}
