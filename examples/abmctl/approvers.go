package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// approver is a key by which one person approves.
type approver struct {
	name        string
	key         ssh.PublicKey
	from, until time.Time // zero: always
}

const maxApprovers = 1 << 20 // of a file, in bytes

// parseApprovers reads a file in OpenSSH's format of allowed_signers (ssh-keygen(1), "ALLOWED SIGNERS"), and is stricter: each
// line names one person, and no key belongs to two. A pattern, or a key that is shared, would let one person be several.
func parseApprovers(text []byte) ([]approver, error) {
	var all []approver
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		a, usable, err := parseApprover(line)
		if err == nil {
			err = a.other(all)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if usable {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it names nobody")
	}
	return all, nil
}

// other refuses the key of somebody else.
func (a approver) other(all []approver) error {
	for _, b := range all {
		if b.name != a.name && bytes.Equal(b.key.Marshal(), a.key.Marshal()) {
			return fmt.Errorf("%s and %s have the same key", b.name, a.name)
		}
	}
	return nil
}

// parseApprover reads one line; not usable: it is for another purpose.
func parseApprover(line string) (a approver, usable bool, err error) {
	name, rest, found := strings.Cut(line, " ")
	if strings.HasPrefix(line, `"`) {
		name, rest, found = strings.Cut(line[1:], `"`)
	}
	switch {
	case !found || name == "":
		return a, false, errors.New("a line is: NAME [OPTIONS] KEY")
	case strings.ContainsAny(name, ",*?!"):
		return a, false, errors.New("each line names one person, without patterns")
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return a, false, errors.New("behind the name there is no public key of OpenSSH")
	}
	a, usable = approver{name: name, key: key}, true
	for _, option := range options {
		label, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(label) {
		case "namespaces":
			usable = slices.Contains(strings.Split(value, ","), signedNamespace)
		case "valid-after":
			a.from, err = signerTime(value)
		case "valid-before":
			a.until, err = signerTime(value)
		default: // an authority that certifies other keys, for one
			err = errors.New("the option " + strconv.Quote(label) + " is not supported; give each person's own key")
		}
		if err != nil {
			return a, false, err
		}
	}
	return a, usable, nil
}

// signerTime reads a time as ssh-keygen does: YYYYMMDD or YYYYMMDDHHMM[SS], in UTC with a Z behind, else in local time.
func signerTime(text string) (time.Time, error) {
	zone := time.Local
	if digits, utc := strings.CutSuffix(text, "Z"); utc {
		text, zone = digits, time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("a time is written like 20261231 or 202612312359Z")
}

// valid reports whether the key counts at a time.
func (a approver) valid(now time.Time) bool {
	return !now.Before(a.from) && (a.until.IsZero() || now.Before(a.until))
}
