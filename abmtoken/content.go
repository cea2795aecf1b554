package abmtoken

import (
	"bytes"
	"unicode/utf8"
)

// isText reports whether decrypted bytes are text at all. Decrypting with a wrong key, or a file that was changed,
// gives noise, and about that nothing more may be said.
func isText(plain []byte) bool {
	if len(plain) == 0 {
		return false
	}
	for _, c := range plain {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(joined(plain)) // a line may end within a character
}

// joined drops the line ends and nothing else: Apple breaks the JSON anywhere, also within its texts.
func joined(text []byte) []byte {
	if bytes.IndexAny(text, "\r\n") < 0 {
		return text
	}
	one := make([]byte, 0, len(text))
	for _, c := range text {
		if c != '\r' && c != '\n' {
			one = append(one, c)
		}
	}
	return one
}

var (
	beginMessage = []byte("-----BEGIN MESSAGE-----")
	endMessage   = []byte("-----END MESSAGE-----")
)

// tokenJSON finds the JSON in the decrypted text: after a MIME header or without one, between the lines BEGIN MESSAGE
// and END MESSAGE, as Apple's portal sends it, or without them, as in Apple's documentation ("Examining Server
// Tokens").
func tokenJSON(plain []byte) ([]byte, error) {
	text := bytes.TrimPrefix(plain, []byte("\xef\xbb\xbf"))
	head, body, framed := bytes.Cut(text, beginMessage)
	if framed {
		var closed bool
		if body, _, closed = bytes.Cut(body, endMessage); !closed {
			return nil, badContent("the line END MESSAGE is missing")
		}
		if bytes.Contains(body, beginMessage) {
			return nil, badContent("the line BEGIN MESSAGE comes twice")
		}
		return bytes.TrimSpace(joined(body)), nil
	}
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil, badContent("there is no JSON object in it")
	}
	head, body = text[:start], text[start:]
	if !isHeader(head) {
		return nil, badContent("something comes before the JSON object")
	}
	return bytes.TrimSpace(joined(body)), nil
}

// isHeader reports whether the text is a MIME header, or nothing.
func isHeader(head []byte) bool {
	for lines := 0; len(head) > 0; lines++ {
		var line []byte
		line, head = nextLine(head)
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		if lines == maxHeaderLines || len(line) > maxHeaderLine ||
			len(line) > 0 && !folded && bytes.IndexByte(line, ':') < 1 {
			return false
		}
	}
	return true
}
