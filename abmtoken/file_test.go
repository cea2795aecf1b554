package abmtoken_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// isKind requires that the file is refused as that kind.
func isKind(t *testing.T, kind abmtoken.FileKind, file []byte, what string, where ...any) {
	t.Helper()
	_, err := abmtoken.ReadEnvelope(file)
	var other *abmtoken.NotServerTokenError
	require.ErrorAs(t, err, &other, append([]any{what}, where...)...)
	assert.Equal(t, kind, other.Kind, append([]any{what}, where...)...)
}

// Whatever a mail or an editor makes of the line ends, the file stays the same.
func TestLineEndsDoNotMatter(t *testing.T) {
	texts := 0
	for name, v := range vectors(t) {
		if v.lines["expect"] != "success" || bytes.ContainsAny(v.file, "\x00\r") {
			continue
		}
		texts++
		opener := vectorKey(t, v.line("key", "acme"))
		for _, lineEnd := range []string{"\r\n", "\r", "\n\n"} {
			changed := bytes.ReplaceAll(v.file, []byte("\n"), []byte(lineEnd))
			if lineEnd == "\n\n" && bytes.Contains(v.file, []byte(":")) {
				continue // a header broken in a word needs its blank line to be told from the base64
			}
			_, _, err := abmtoken.Open(changed, vectorsNow, opener)
			require.NoError(t, err, "%s with %q", name, lineEnd)
		}
	}
	assert.Greater(t, texts, 50)
}

// A download that ends early is called so, wherever it ends.
func TestEveryCutIsATruncatedDownload(t *testing.T) {
	pair := vectorKey(t, "acme")
	for _, chunk := range []int{0, 64} {
		der := forged{pair: pair, plain: []byte(tokenText), chunk: chunk}.der(t)
		for end := 20; end < len(der); end += 3 {
			isKind(t, abmtoken.FileTruncated, der[:end], "%d bytes of the message", end)
		}
		text := base64.StdEncoding.EncodeToString(der)
		mail := asMail(der, 76, "\n")
		header := bytes.Index(mail, []byte("\n\n")) + 2
		for end := 20; end < len(text)-6; end++ {
			isKind(t, abmtoken.FileTruncated, []byte(text[:end]), "%d digits of the base64", end)
			isKind(t, abmtoken.FileTruncated, mail[:header+end], "%d bytes of the mail's text", end)
		}
		firstLine := bytes.IndexByte(mail, '\n')
		for end := len("Content-Type:"); end <= firstLine; end++ {
			isKind(t, abmtoken.FileTruncated, mail[:end], "%d bytes of the header", end)
		}
		isKind(t, abmtoken.FileTruncated, mail[:header], "the header only")
	}
}

// A digit too many, or a foreign one, is no whole file.
func TestBase64IsStrict(t *testing.T) {
	der := forged{pair: vectorKey(t, "acme"), plain: []byte(tokenText)}.der(t)
	for len(der)%3 != 0 { // a message whose base64 has no padding
		der = forged{pair: vectorKey(t, "acme"), plain: append(bytes.Repeat([]byte(" "), 16*(3-len(der)%3)), tokenText...)}.der(t)
	}
	text := []byte(base64.StdEncoding.EncodeToString(der))
	_, err := abmtoken.ReadEnvelope(text)
	require.NoError(t, err)
	isKind(t, abmtoken.FileDamaged, append(bytes.Clone(text), 'A'), "a digit too many")
	for _, foreign := range []string{"-", "_", "*", "\u00a0", "=", ">"} {
		middle := append(append(bytes.Clone(text[:100]), foreign...), text[100:]...)
		isKind(t, abmtoken.FileUnknown, middle, "%q in the middle, without a header", foreign)
		isKind(t, abmtoken.FileDamaged, append([]byte("Content-Type: application/pkcs7-mime\n\n"), middle...), "%q in the middle", foreign)
	}
}

// A message has 64 KiB at most, in whichever form; a file has 256 KiB.
func TestSizesAreBounded(t *testing.T) {
	pair := vectorKey(t, "acme")
	sized := func(plain int) []byte { return forged{pair: pair, plain: bytes.Repeat([]byte(" "), plain)}.der(t) }
	most := 63 << 10
	for len(sized(most+16)) <= 64<<10 {
		most += 16
	}
	_, err := abmtoken.ReadEnvelope(sized(most))
	require.NoError(t, err)
	for name, file := range map[string][]byte{
		"DER": sized(most + 16), "base64": asMail(sized(most+16), 76, "\n"), "the largest": make([]byte, abmtoken.MaxFile+1),
	} {
		_, err := abmtoken.ReadEnvelope(file)
		require.ErrorIs(t, err, abmtoken.ErrTooLarge, name)
	}
	isKind(t, abmtoken.FileEmpty, make([]byte, abmtoken.MaxFile), "as large as a file may be")
}

// The header has some 32 lines at most, of 1 KiB.
func TestHeadersAreBounded(t *testing.T) {
	der := forged{pair: vectorKey(t, "acme"), plain: []byte(tokenText)}.der(t)
	with := func(lines int, line string) []byte {
		return append(bytes.Repeat([]byte(line+"\n"), lines), asMail(der, 76, "\n")...)
	}
	for _, lines := range []int{0, 10, 30} {
		_, err := abmtoken.ReadEnvelope(with(lines, "X-Line: yes"))
		require.NoError(t, err, lines)
	}
	isKind(t, abmtoken.FileDamaged, with(40, "X-Line: yes"), "42 lines")
	long := "X-Line: " + string(bytes.Repeat([]byte("x"), 1<<10-8))
	_, err := abmtoken.ReadEnvelope(with(1, long))
	require.NoError(t, err)
	isKind(t, abmtoken.FileUnknown, with(1, long+"x"), "a line of more than 1 KiB")
}
