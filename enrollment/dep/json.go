package dep

import (
	"encoding/json"
	"fmt"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// decode reads an answer: one JSON object, not nested without end, and no name twice, so that nobody else reads
// something different from it.
func decode(k call, body []byte, into any) error {
	if err := untrusted.CheckJSON(body); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAnswer, k.op(), err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The error of the json package may quote what it read.
		return fmt.Errorf("%w: %s: it is not as documented", ErrAnswer, k.op())
	}
	return nil
}
