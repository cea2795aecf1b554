package installation

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// kind says what stands at a cut.
type kind int

const (
	whose  kind = iota // the tenant
	from               // the server that is lost
	to                 // the server that takes its devices
	plan               // the plan
	serial             // of a device: its number within the plan
	uuid               // of a device or command
	hash               // of an audit entry
	moved              // a time
)

// piece is a text that is another one in each copy.
type piece struct {
	kind   kind
	source string
	number int       // of a serial number
	at     time.Time // of a time
}

// text is a text in parts: literals, and between them, by their place in moment.texts, what differs.
type text struct {
	literals []string // one more than pieces
	pieces   []int
}

// knife cuts the texts of one moment.
type knife struct {
	moment *moment
	known  map[string]int // the pieces by their source

}

// differs finds what differs from copy to copy.
var differs = regexp.MustCompile(`SOURCE(\d{3})` +
	`|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}` +
	`|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z` +
	`|[0-9a-f]{64}|` + sourceTenant + `|srv_[0-9a-z]+|pln_[0-9a-z]+`)

// add makes a text one that differs.
func (k *knife) add(what kind, source string) int {
	if at, known := k.known[source]; known {
		return at
	}
	p := piece{kind: what, source: source}
	switch what {
	case serial:
		p.number, _ = strconv.Atoi(source[len(source)-3:]) // three digits, as the expression says
	case moved:
		p.at, _ = time.Parse(time.RFC3339Nano, source)
	}
	k.known[source] = len(k.moment.texts)
	k.moment.texts = append(k.moment.texts, p)
	return k.known[source]
}

func (k *knife) cut(s string) text {
	var t text
	end := 0
	for _, at := range differs.FindAllStringIndex(s, -1) {
		found := s[at[0]:at[1]]
		p, known := k.known[found]
		if !known {
			what := kindOf(found)
			if what == hash || what == whose {
				continue // the digest of a plan, say, is no entry's hash
			}
			p = k.add(what, found)
		}
		t.literals, t.pieces = append(t.literals, s[end:at[0]]), append(t.pieces, p)
		end = at[1]
	}
	t.literals = append(t.literals, s[end:])
	return t
}

func kindOf(found string) kind {
	switch {
	case strings.HasPrefix(found, "SOURCE"):
		return serial
	case len(found) == 36 && found[8] == '-':
		return uuid
	case strings.HasSuffix(found, "Z"):
		return moved
	case len(found) == 64:
		return hash
	}
	return whose // an ID of the source that is not of this plan: it stays
}

func hashOf(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}
