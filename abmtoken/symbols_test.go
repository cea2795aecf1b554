package abmtoken

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzSymbols holds the walk over a valid JSON text to the tokens of encoding/json.
func FuzzSymbols(f *testing.F) {
	for _, text := range []string{
		`{"a":"b"}`, ` { "a" : [ 1 , -2.5e3 , true , false , null , {} , [] ] } `, `"\"\\\u00e9\ud83d\ude00\ud800"`,
		`{"\u0061":"\\","b":"\\\""}`, "[1\t,2\r\n,3]", `0`, `["a,b:c]}"]`, `{"":{"":""}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) || !utf8.Valid(text) {
			return
		}
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber()
		rest := text
		for {
			want, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			var s symbol
			s, rest = nextSymbol(rest)
			switch want := want.(type) {
			case json.Delim:
				assert.Equal(t, want.String(), string(s))
				assert.Equal(t, want == '{' || want == '[', s.opens())
				assert.Equal(t, want == '}' || want == ']', s.closes())
			case string:
				require.True(t, s.isText(), "%s", s)
				assert.Equal(t, want, s.text())
			case json.Number:
				assert.Equal(t, want.String(), string(s))
			case bool:
				assert.Equal(t, want, string(s) == "true", "%s", s)
			case nil:
				assert.Equal(t, "null", string(s))
			}
		}
		assert.Empty(t, strings.Trim(string(rest), " \t\r\n"))
	})
}
