package appletest

import (
	"bytes"
	"cmp"
	"encoding/base64"
)

// TokenFormat is the form of token files. The zero value is what Apple's portal makes.
type TokenFormat struct {
	// Cipher encrypts the content; empty: AES128.
	Cipher Cipher
	// LF ends lines with LF instead of CRLF. Apple's documentation shows no difference; CRLF was observed.
	LF bool
	// Sample is the form of Apple's documented sample: no BEGIN MESSAGE and END MESSAGE lines, and the JSON broken
	// after 76 characters wherever that falls, also inside a string.
	Sample bool
	// DER writes definite lengths and the content in one piece, as other makers do.
	DER bool
}

// width of base64 and of a broken JSON text.
const width = 76

// seal makes the file for a certificate.
func (f TokenFormat) seal(c *certificate, json []byte, random func(int) []byte) ([]byte, error) {
	cms, err := envelope(c, f.inner(json), cmp.Or(f.Cipher, AES128), f.DER, random)
	if err != nil {
		return nil, err
	}
	lines := [][]byte{
		[]byte(`Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data`),
		[]byte(`Content-Transfer-Encoding: base64`),
		[]byte(`Content-Disposition: attachment; filename="smime.p7m"`),
		[]byte(`Content-Description: S/MIME Encrypted Message`),
		nil,
	}
	encoded := []byte(base64.StdEncoding.EncodeToString(cms))
	return f.lines(append(lines, broken(encoded)...)), nil
}

// inner is the encrypted text: a MIME part of its own.
func (f TokenFormat) inner(json []byte) []byte {
	lines := [][]byte{
		[]byte("Content-Type: text/plain;charset=UTF-8"),
		[]byte("Content-Transfer-Encoding: 7bit"),
		nil,
	}
	if f.Sample {
		return f.lines(append(lines, broken(json)...))
	}
	return f.lines(append(lines, []byte("-----BEGIN MESSAGE-----"), json, []byte("-----END MESSAGE-----")))
}

func (f TokenFormat) lines(lines [][]byte) []byte {
	end := []byte("\r\n")
	if f.LF {
		end = end[1:]
	}
	return append(bytes.Join(lines, end), end...)
}

func broken(text []byte) [][]byte {
	var out [][]byte
	for len(text) > width {
		out = append(out, text[:width])
		text = text[width:]
	}
	return append(out, text)
}
