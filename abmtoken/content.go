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
	if !bytes.ContainsAny(text, "\r\n") {
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

// beginsAsToken reports whether the decrypted text begins as a server token does, be it a broken one. Of such a text
// only may an error say what is wrong with it; any other is as good as noise. Whoever alters a file that he cannot read
// has a free hand in its first block and nowhere else, and could learn other blocks from the answers if they came
// first. That is why each of these beginnings is as long as a block.
func beginsAsToken(plain []byte) bool {
	text := bytes.TrimSpace(joined(bytes.TrimPrefix(plain, byteOrderMark)))
	const header = "content-type: text"
	if bytes.HasPrefix(text, beginMessage) || len(text) > len(header) && string(bytes.ToLower(text[:len(header)])) == header {
		return true
	}
	text, object := bytes.CutPrefix(text, []byte(`{`))
	for _, field := range fields {
		rest, found := bytes.CutPrefix(bytes.TrimSpace(text), []byte(`"`+field+`"`))
		if object && found && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(`:`)) {
			return true
		}
	}
	return false
}

// readToken reads the decrypted text.
func readToken(plain []byte) (Token, error) {
	text, err := tokenJSON(plain)
	if err != nil {
		return Token{}, err
	}
	return ParseToken(text)
}

// tokenJSON finds the JSON in the decrypted text: after a MIME header or without one, between the lines BEGIN MESSAGE
// and END MESSAGE, as Apple's portal sends it, or without them, as in Apple's documentation ("Examining Server
// Tokens").
func tokenJSON(plain []byte) ([]byte, error) {
	text := bytes.TrimPrefix(plain, byteOrderMark)
	if bytes.Count(text, beginMessage) > 1 {
		return nil, badContent("the line BEGIN MESSAGE comes twice")
	}
	if _, body, framed := bytes.Cut(text, beginMessage); framed {
		body, _, closed := bytes.Cut(body, endMessage)
		if !closed {
			return nil, badContent("the line END MESSAGE is missing")
		}
		return bytes.TrimSpace(joined(body)), nil
	}
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil, badContent("there is no JSON object in it")
	}
	if !isHeader(text[:start]) {
		return nil, badContent("something comes before the JSON object")
	}
	return bytes.TrimSpace(joined(text[start:])), nil
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
