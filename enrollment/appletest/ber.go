package appletest

// Apple's token files are BER with indefinite lengths and a content cut into parts, which crypto libraries in Go do
// not write; so here is the little that it takes.

// Tags.
const (
	tagInteger     = 0x02
	tagOctetString = 0x04
	tagSequence    = 0x30
	tagSet         = 0x31
	tagContext0    = 0xa0
)

// definite encodes an element with its length in front, as DER does.
func definite(tag byte, parts ...[]byte) []byte {
	content := join(parts)
	n := len(content)
	out := []byte{tag}
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, content...)
}

// indefinite encodes a constructed element that ends with an end-of-contents mark.
func indefinite(tag byte, parts ...[]byte) []byte {
	out := append([]byte{tag, 0x80}, join(parts)...)
	return append(out, 0, 0)
}

func join(parts [][]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// chunks cuts bytes into octet strings of at most n bytes.
func chunks(b []byte, n int) [][]byte {
	var out [][]byte
	for len(b) > n {
		out = append(out, definite(tagOctetString, b[:n]))
		b = b[n:]
	}
	return append(out, definite(tagOctetString, b))
}
