package runner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// adoptionRow is the JSON form of an [Adoption].
type adoptionRow struct {
	Tenant     enrollment.TenantID `json:"tenant"`
	Reference  string              `json:"reference"`
	Name       string              `json:"name"`
	Site       enrollment.SiteID   `json:"site"`
	ServerUUID string              `json:"server_uuid"`
	OrgID      string              `json:"org_id"`
	OrgName    string              `json:"org_name"`
	Token      json.RawMessage     `json:"token"`      // the token's own JSON object
	TokenFile  []byte              `json:"token_file"` // base64 of the .p7m
	Keys       []struct {
		Key         string `json:"key"`
		Certificate string `json:"certificate"`
	} `json:"keys"`
}

// maxAdoptionRow bounds the JSON of one row.
const maxAdoptionRow = 1 << 20

// ErrAdoptionFormat says that a stream of adoptions is not JSON of the documented form.
var ErrAdoptionFormat = errors.New("runner: not a list of servers to adopt")

// DecodeAdoptions reads adoptions from a JSON array, or from JSON objects one behind the other, row by row:
//
//	[{"reference": "crm-17", "name": "Acme", "tenant": "acme", "site": "berlin", "server_uuid": "...",
//	  "token": {"consumer_key": "CK_...", ...}, "token_file": "base64 of a .p7m",
//	  "keys": [{"key": "-----BEGIN ...", "certificate": "-----BEGIN ..."}]}]
//
// Everything but reference, name and one of token, token_file and keys may be left out; a row without tenant belongs to the
// given one. The last pair has an error that matches [ErrAdoptionFormat] if the stream is broken.
func DecodeAdoptions(in io.Reader, tenant enrollment.TenantID) iter.Seq2[Adoption, error] {
	return func(yield func(Adoption, error) bool) {
		rows := &rowReader{in: bufio.NewReaderSize(in, 64<<10)}
		for {
			text, err := rows.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var row adoptionRow
			if err == nil {
				err = json.Unmarshal(text, &row)
			}
			if err != nil {
				yield(Adoption{}, rows.explain())
				return
			}
			if !yield(row.adoption(tenant), nil) {
				return
			}
		}
	}
}

func (row adoptionRow) adoption(tenant enrollment.TenantID) Adoption {
	a := Adoption{
		Tenant: row.Tenant, Reference: row.Reference, Name: row.Name, Site: row.Site,
		ServerUUID: row.ServerUUID, OrgID: row.OrgID, OrgName: row.OrgName, TokenFile: row.TokenFile,
	}
	if a.Tenant == "" {
		a.Tenant = tenant
	}
	if len(row.Token) > 0 && !bytes.Equal(row.Token, []byte("null")) {
		a.Token = abmtoken.NewSecret(string(row.Token))
	}
	for _, k := range row.Keys {
		a.Keys = append(a.Keys, AdoptedKey{Key: abmtoken.NewSecret(k.Key), Certificate: []byte(k.Certificate)})
	}
	return a
}

// rowReader cuts a stream into its objects without reading more than one of them into memory.
type rowReader struct {
	in     *bufio.Reader
	n      int // objects begun
	at     place
	failed error // of the reader below
}

// place is where in the stream a reader stands.
type place int

const (
	beginning  place = iota
	inSequence       // between objects one behind the other
	inArray          // behind "[", where an object or the end comes
	behindRow        // behind an object of the array, where a comma or the end comes
	behindMore       // behind a comma, where an object comes
	atEnd            // behind "]"
)

func (r *rowReader) next() ([]byte, error) {
	for {
		c, err := r.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && (r.at == beginning || r.at == inSequence || r.at == atEnd):
			return nil, io.EOF
		case err != nil:
			return nil, r.cut(err) // an array that ends between two rows, too
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		case c == 0xEF && r.at == beginning && r.mark():
		case c == '[' && r.at == beginning:
			r.at = inArray
		case c == ']' && (r.at == inArray || r.at == behindRow):
			r.at = atEnd
		case c == ',' && r.at == behindRow:
			r.at = behindMore
		case c == '{' && (r.at == beginning || r.at == inSequence):
			r.at = inSequence
			return r.object()
		case c == '{' && (r.at == inArray || r.at == behindMore):
			r.at = behindRow
			return r.object()
		default:
			return nil, r.broken()
		}
	}
}

// mark reads the rest of a byte order mark, which some editors write.
func (r *rowReader) mark() bool {
	rest, err := r.in.Peek(2)
	if err != nil || rest[0] != 0xBB || rest[1] != 0xBF {
		return false
	}
	_, _ = r.in.Discard(2) // they were just seen
	return true
}

// broken says that the row which should come now is none.
func (r *rowReader) broken() error {
	r.n++
	return ErrAdoptionFormat
}

// cut is broken for a stream that ended or failed in the middle.
func (r *rowReader) cut(err error) error {
	if !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return r.broken()
}

// explain says where the stream is broken. What the JSON decoder says may quote the text, which holds secrets.
func (r *rowReader) explain() error {
	if r.failed != nil {
		return fmt.Errorf("%w: row %d cannot be read: %w", ErrAdoptionFormat, r.n, r.failed)
	}
	return fmt.Errorf("%w: row %d is no JSON object of the documented form, or the file is cut off there", ErrAdoptionFormat, r.n)
}

// object reads to the brace that closes the object whose first one was read.
func (r *rowReader) object() ([]byte, error) {
	r.n++
	text := []byte{'{'}
	depth, quoted, escaped := 1, false, false
	for depth > 0 {
		c, err := r.in.ReadByte()
		if err != nil {
			r.n--
			return nil, r.cut(err)
		}
		if len(text) >= maxAdoptionRow {
			return nil, ErrAdoptionFormat
		}
		text = append(text, c)
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = c == '\\'
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return text, nil
}
