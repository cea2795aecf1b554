package abmtoken

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The bounds of a message. A server token of Apple's has about 3 KiB, 10 levels and 60 elements.
const (
	maxMessage = 64 << 10
	maxLevels  = 16
	maxNodes   = 4096
)

var (
	errCut   = errors.New("an element reaches beyond the end")
	errNoBER = errors.New("the bytes are no BER element")
)

// guardBER checks that b is exactly one BER element, whole down to the last leaf: every element lies within its
// parent, tags are low, lengths have at most three bytes, and depth and number are bounded. It is one pass without
// recursion and allocation, and what it lets through can be walked by readElement in linear time.
func guardBER(b []byte) (nodes int, err error) {
	var ends [maxLevels]int // where each open element ends; -1: at its end-of-contents
	open := 0
	for pos := 0; ; {
		for open > 0 && ends[open-1] == pos {
			open--
		}
		if open == 0 && nodes > 0 {
			if pos != len(b) {
				return nodes, errNoBER // something follows
			}
			return nodes, nil
		}
		end, known := limit(ends[:open], len(b))
		tag, length, body, err := berHeader(b, pos, end)
		if errors.Is(err, errCut) && known {
			err = errNoBER // it leaves its parent; the file itself is long enough
		}
		if err != nil {
			return nodes, err
		}
		if tag == 0 { // end-of-contents
			if length != 0 || open == 0 || ends[open-1] != -1 {
				return nodes, errNoBER
			}
			open--
			pos = body
			continue
		}
		if nodes++; nodes > maxNodes {
			return nodes, errNoBER
		}
		if tag&constructed == 0 {
			pos = body + length
			continue
		}
		if open == maxLevels {
			return nodes, errNoBER
		}
		ends[open] = -1
		if length >= 0 {
			ends[open] = body + length
		}
		open++
		pos = body
	}
}

const (
	constructed = 0x20
	highTag     = 0x1f
)

// limit is where the innermost open element with a known length ends, or the end of all.
func limit(ends []int, all int) (end int, known bool) {
	for i := len(ends) - 1; i >= 0; i-- {
		if ends[i] >= 0 {
			return ends[i], true
		}
	}
	return all, false
}

// berHeader reads the identifier and length at pos of an element that may reach up to end. Length -1 is indefinite.
func berHeader(b []byte, pos, end int) (tag asn1.Tag, length, body int, err error) {
	if end-pos < 2 {
		return 0, 0, 0, errCut
	}
	tag, length, body = asn1.Tag(b[pos]), int(b[pos+1]), pos+2
	if tag&highTag == highTag {
		return 0, 0, 0, errNoBER
	}
	switch size := length & 0x7f; {
	case length < 0x80:
	case size == 0:
		if tag&constructed == 0 {
			return 0, 0, 0, errNoBER
		}
		return tag, -1, body, nil
	case size > 3:
		return 0, 0, 0, errNoBER
	case end-body < size:
		return 0, 0, 0, errCut
	default:
		length = 0
		for _, digit := range b[body : body+size] {
			length = length<<8 | int(digit)
		}
		body += size
	}
	if length > end-body {
		return 0, 0, 0, errCut
	}
	return tag, length, body, nil
}

// readAny takes the next element of s, with the bytes inside it. It accepts BER where cryptobyte wants DER.
func readAny(s, inside *cryptobyte.String, tag *asn1.Tag) bool {
	b := []byte(*s)
	first, length, body, err := berHeader(b, 0, len(b))
	if err != nil || first == 0 {
		return false
	}
	*tag = first
	if length >= 0 {
		*inside, *s = cryptobyte.String(b[body:body+length]), cryptobyte.String(b[body+length:])
		return true
	}
	for pos, open := body, 1; ; { // look for the end-of-contents
		next, length, start, err := berHeader(b, pos, len(b))
		switch {
		case err != nil:
			return false
		case next == 0:
			if open--; open == 0 {
				*inside, *s = cryptobyte.String(b[body:pos]), cryptobyte.String(b[start:])
				return true
			}
			pos = start
		case length < 0:
			open++
			pos = start
		default:
			pos = start + length
		}
	}
}

// readElement takes the next element of s if it has that tag.
func readElement(s, inside *cryptobyte.String, tag asn1.Tag) bool {
	rest, found := *s, asn1.Tag(0)
	if !readAny(&rest, inside, &found) || found != tag {
		return false
	}
	*s = rest
	return true
}

// octets collects an OCTET STRING that may be sent in pieces, given the bytes inside it. It walks the pieces, however
// nested, in one pass: the guard has seen that they are whole.
func octets(inside cryptobyte.String, tag asn1.Tag) ([]byte, bool) {
	if tag&constructed == 0 {
		return inside, true
	}
	b := []byte(inside)
	all := make([]byte, 0, len(b))
	for pos := 0; pos < len(b); {
		piece, length, body, err := berHeader(b, pos, len(b))
		switch {
		case err != nil:
			return nil, false
		case piece == asn1.OCTET_STRING:
			all = append(all, b[body:body+length]...)
			pos = body + length
		case piece == asn1.OCTET_STRING|constructed || piece == 0 && length == 0:
			pos = body
		default:
			return nil, false
		}
	}
	return all, true
}
