package appletest

import (
	"errors"
	"net/url"
	"strings"
)

// oauthHeader reads the parameters of an Authorization header (RFC 5849, 3.5.1).
func oauthHeader(values []string) ([]parameter, error) {
	if len(values) != 1 {
		return nil, errors.New("one Authorization header is needed")
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return nil, errors.New("the Authorization header is not OAuth")
	}
	var out []parameter
	for field := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
			return nil, errors.New("malformed OAuth parameter")
		}
		// PathUnescape, because a plus is a plus in this encoding.
		name, err := url.PathUnescape(name)
		if err != nil {
			return nil, errors.New("malformed OAuth parameter")
		}
		value, err = url.PathUnescape(value[1 : len(value)-1])
		if err != nil {
			return nil, errors.New("malformed OAuth parameter")
		}
		out = append(out, parameter{name, value})
	}
	return out, nil
}
