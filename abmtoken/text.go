package abmtoken

import (
	"bytes"
	"encoding/base64"
	"unicode/utf16"
)

var byteOrderMark = []byte("\xef\xbb\xbf") // of UTF-8

// asText drops a byte order mark, and turns UTF-16 with such a mark into UTF-8: shells and editors on Windows write
// both. Other bytes are returned as they are.
func asText(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, byteOrderMark):
		return b[len(byteOrderMark):]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return fromUTF16(b[2:], 1, 0)
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return fromUTF16(b[2:], 0, 1)
	}
	return b
}

func fromUTF16(b []byte, high, low int) []byte {
	text := make([]byte, 0, len(b)*3/2)
	for ; len(b) >= 2; b = b[2:] {
		// Each unit by itself: what matters is ASCII, and half a surrogate pair may become a replacement character.
		r := rune(b[high])<<8 | rune(b[low])
		if utf16.IsSurrogate(r) {
			r = '\ufffd'
		}
		text = append(text, string(r)...)
	}
	return text
}

// nextLine takes a line off the text, whatever ends it: LF, CRLF or CR.
func nextLine(text []byte) (line, rest []byte) {
	i := bytes.IndexAny(text, "\r\n")
	if i < 0 {
		return text, nil
	}
	if bytes.HasPrefix(text[i:], []byte("\r\n")) {
		return text[:i], text[i+2:]
	}
	return text[:i], text[i+1:]
}

// withoutSpace copies the text without blanks and line ends.
func withoutSpace(text []byte) []byte {
	packed := make([]byte, 0, len(text))
	for _, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			packed = append(packed, c)
		}
	}
	return packed
}

// decodeBase64 reads base64 of any line width, with or without its padding. Cut is true where its end is missing, so
// that a lone digit is left over. Foreign characters are not passed over.
func decodeBase64(text []byte) (decoded []byte, cut, ok bool) {
	packed := withoutSpace(text)
	for range 2 {
		packed = bytes.TrimSuffix(packed, []byte("="))
	}
	if len(packed)%4 == 1 {
		packed, cut = packed[:len(packed)-1], true
	}
	decoded = make([]byte, base64.RawStdEncoding.DecodedLen(len(packed)))
	n, err := base64.RawStdEncoding.Decode(decoded, packed)
	return decoded[:n], cut, err == nil && n > 0
}
