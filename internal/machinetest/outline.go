package machinetest

import (
	"regexp"
	"time"
)

var (
	moments  = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
	counters = regexp.MustCompile(`"(revision|seq|generation)":\d+`)
	effects  = regexp.MustCompile(`/\d+/`)
	attempts = regexp.MustCompile(`"(attempt|failures)":(\d+)`)
)

// nearness rounds how far a moment is away, so that there are few of them.
var nearness = []struct {
	within time.Duration
	name   string
}{
	{1, "past"}, {2 * time.Hour, "soon"}, {30 * 24 * time.Hour, "in days"},
}

// outline writes a snapshot down without counters, and with moments told by their nearness: what decides how the machine
// goes on, in few enough forms to be explored to the end.
func outline(stored []byte, now time.Time) string {
	stored = moments.ReplaceAllFunc(stored, func(quoted []byte) []byte {
		t, err := time.Parse(time.RFC3339Nano, string(quoted[1:len(quoted)-1]))
		if err != nil {
			return quoted
		}
		for _, n := range nearness {
			if t.Sub(now) < n.within {
				return []byte(n.name)
			}
		}
		return []byte("far")
	})
	stored = counters.ReplaceAll(stored, []byte("$1"))
	stored = effects.ReplaceAll(stored, []byte("/"))
	return string(attempts.ReplaceAllFunc(stored, func(count []byte) []byte {
		// The first few attempts may decide something; after them they only wait longer.
		if parts := attempts.FindSubmatch(count); len(parts[2]) == 1 && parts[2][0] <= '3' {
			return count
		}
		return []byte("many")
	}))
}
