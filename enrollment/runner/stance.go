package runner

import (
	"bytes"
	"strconv"

	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/storage"
)

// stance is a move of which only that was read by which moves are counted, its state and strategy: a plan counts very many of
// them, again and again. It is only read.
type stance migration.Move

// Of a move's record also a part can be read. It is signed as a whole.
var (
	stanceSpec = storage.Spec[stance]{
		Kind: moveSpec.Kind, Schema: moveSpec.Schema, Upgrade: moveSpec.Upgrade, Read: (*stance).read,
	}
	listingSpec = storage.Spec[migration.Listed]{Kind: moveSpec.Kind, Schema: moveSpec.Schema, Upgrade: moveSpec.Upgrade}
)

// read takes two texts out of the JSON of a move.
func (s *stance) read(data []byte) error {
	var inside [2][]byte // the member that is being read, of the move and of what it holds
	depth, key := 0, false
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			depth++
			key = true
		case '[':
			depth++
			key = false
		case '}', ']':
			depth--
		case ',':
			key = depth > 0 && depth <= 2
		case ':':
			key = false
		case '"':
			end := i + 1
			for ; end < len(data) && data[end] != '"'; end++ {
				if data[end] == '\\' {
					end++
				}
			}
			if end >= len(data) {
				return strconv.ErrSyntax
			}
			text := data[i+1 : end]
			i = end
			switch {
			case depth < 1 || depth > 2:
			case key:
				inside[depth-1] = text
			case depth == 1 && bytes.Equal(inside[0], []byte("state")):
				s.State = migration.MoveState(text)
			case depth == 2 && bytes.Equal(inside[0], []byte("decision")) && bytes.Equal(inside[1], []byte("strategy")):
				s.Decision.Strategy = migration.Strategy(text)
			}
		}
	}
	if depth != 0 || len(data) == 0 {
		return strconv.ErrSyntax
	}
	return nil
}
