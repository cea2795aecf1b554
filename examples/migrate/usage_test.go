package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		status int
		words  string
	}{
		"too few":       {[]string{"--devices", "59"}, 2, "from 60 to 20000"},
		"too many":      {[]string{"--devices", "20001"}, 2, "from 60 to 20000"},
		"no number":     {[]string{"--seed", "x"}, 2, "invalid value"},
		"another flag":  {[]string{"--force"}, 2, "not defined"},
		"something":     {[]string{"now"}, 2, "nothing follows"},
		"a wish to see": {[]string{"--help"}, 0, "how many devices"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, c.status, run(t.Context(), c.args, &out, &errs, false), name)
		assert.Contains(t, errs.String(), c.words, name)
		assert.Empty(t, out.String(), name)
	}
}
