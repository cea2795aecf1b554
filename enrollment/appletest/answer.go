package appletest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is what a request gets: an error code, or a value as JSON.
type answer struct {
	status int
	code   string // the body of an error
	value  any    // the body of a success
	raw    []byte // the body of a success that is no JSON
	header http.Header
}

func ok(value any) answer           { return answer{status: http.StatusOK, value: value} }
func badRequest(code string) answer { return answer{status: http.StatusBadRequest, code: code} }
func (r answer) isZero() bool       { return r.status == 0 }
func (r answer) set(name, v string) answer {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, v)
	return r
}

// body encodes the answer. Errors are the bare code, or the code as a JSON string; both were observed.
func (r answer) body(quoted bool) []byte {
	if r.raw != nil {
		return r.raw
	}
	if r.value == nil {
		if quoted && r.code != "" {
			return []byte(strconv.Quote(r.code))
		}
		return []byte(r.code)
	}
	body, err := json.Marshal(r.value)
	if err != nil {
		panic(err) // values are types of this package
	}
	return body
}
