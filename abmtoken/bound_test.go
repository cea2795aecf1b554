package abmtoken_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

const (
	boundedFile = 64 << 10
	moreMemory  = 1 << 20 // bytes that reading a file may take beyond its own size
)

// hostile are files of up to 64 KiB that ask for as much work as they can.
func hostile(t testing.TB) map[string][]byte {
	fill := func(unit string) []byte { return []byte(strings.Repeat(unit, boundedFile/len(unit))) }
	header := "Content-Type: application/pkcs7-mime\n\n"
	pair := vectorKey(t, "acme")
	id := issuerAndSerial(t, pair)
	rsa := element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.1"))
	block := make([]byte, 256)
	name := element(asn1.SEQUENCE, bytes.Repeat(element(asn1.SET, element(asn1.SEQUENCE, oid(t, "2.5.4.3"),
		element(asn1.UTF8String, []byte("x")))), 230))
	message := func(f forged) []byte {
		f.pair = pair
		if f.plain == nil {
			f.plain = []byte(tokenText)
		}
		return f.der(t)
	}
	files := map[string][]byte{
		"deep indefinite lengths":       fill("\x30\x80"),
		"deep definite lengths":         nested(15, fill("\x05\x00")[:8000]),
		"deep and many":                 nested(30, nil),
		"many empty elements":           element(asn1.SEQUENCE, fill("\x05\x00")[:60000]),
		"many ends of contents":         append([]byte{0x30, 0x80}, fill("\x24\x80\x00\x00")[:60000]...),
		"a long length":                 append([]byte{0x30, 0x83, 0xff, 0xff, 0xff}, fill("\x00")[:60000]...),
		"the longest length":            append([]byte{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, fill("\x00")[:60000]...),
		"many recipients":               message(forged{more: slices.Repeat([][]byte{recipient(id, rsa, block)}, 14)}),
		"too many recipients":           message(forged{more: slices.Repeat([][]byte{recipient(id, rsa, block)}, 100)}),
		"recipients with long names":    message(forged{more: slices.Repeat([][]byte{recipient(element(asn1.SEQUENCE, name, element(asn1.INTEGER, []byte{1})), rsa, block)}, 4)}),
		"a long serial number":          message(forged{id: element(asn1.SEQUENCE, element(asn1.SEQUENCE), element(asn1.INTEGER, fill("\x7f")[:60000]))}),
		"a long negative serial number": message(forged{id: element(asn1.SEQUENCE, element(asn1.SEQUENCE), element(asn1.INTEGER, fill("\x80")[:60000]))}),
		"a long key identifier":         message(forged{id: element(tag0, fill("\x7f")[:60000])}),
		"a long encrypted key":          message(forged{rsaBlock: fill("\x7f")[:60000]}),
		"content in small pieces":       message(forged{plain: fill("x")[:15000], chunk: 4}),
		"content in tiny pieces":        message(forged{plain: fill("x")[:15000], chunk: 1}),
		"content in one piece":          message(forged{plain: fill("x")[:63000]}),
		"a long text of JSON":           message(forged{plain: []byte(`{"a":"` + string(fill("x")[:62000]) + `",` + tokenText[1:])}),
		"escapes in JSON":               message(forged{plain: []byte(`{"a":"` + string(fill(`\u0041`)[:60000]) + `",` + tokenText[1:])}),
		"deep JSON":                     message(forged{plain: []byte(`{"a":` + string(fill("[")[:60000]))}),
		"deep valid JSON":               message(forged{plain: []byte(`{"a":` + string(fill("[")[:5000]) + string(fill("]")[:5000]) + "}")}),
		"many names in JSON":            message(forged{plain: manyNames(6000)}),
		"many breaks in JSON":           message(forged{plain: fill("\r\n")[:60000]}),
		"many lines in the content":     message(forged{plain: []byte("Content-Type: text/plain\n" + string(fill("a: b\n")[:60000]) + tokenText)}),
		"a page":                        append([]byte("<!-- "), fill("<html ")...)[:boundedFile],
		"braces":                        fill(`{"token":`),
		"many armours":                  fill("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
		"open armours":                  fill("-----BEGIN X"),
		"armours of keys":               fill("-----BEGIN PRIVATE KEY-----"),
		"many colons":                   fill(": "),
		"many header lines":             fill("a: b\n"),
		"long header lines":             fill(strings.Repeat("a: b ", 200) + "\n"),
		"many base64 lines":             []byte(header + string(fill("M\n")[:60000])),
		"many blanks":                   []byte(header + "MI" + string(fill(" ")[:60000]) + "IC"),
		"one base64 line":               []byte(header + string(fill("MIAw")[:60000])),
		"nothing but blanks":            fill(" \t\r\n"),
		"nothing but line ends":         fill("\r"),
		"UTF-16":                        append([]byte{0xff, 0xfe}, fill("\x00\x4e")[:60000]...),
		"UTF-16 halves":                 append([]byte{0xfe, 0xff}, fill("\xd8\x00")[:60000]...),
		"zeros":                         make([]byte, boundedFile),
		"a certificate of many parts":   element(asn1.SEQUENCE, fill("\x30\x00")[:60000]),
	}
	for name, file := range maps.Clone(files) {
		if text := []byte(base64.StdEncoding.EncodeToString(file)); file[0] == 0x30 && len(text) < boundedFile {
			files[name+", in base64"] = text
		}
	}
	for name, v := range vectors(t) {
		if len(v.file) <= boundedFile {
			files["vector "+name] = v.file
		}
	}
	return files
}

// nested wraps bytes into that many elements.
func nested(depth int, inside []byte) []byte {
	for range depth {
		inside = element(asn1.SEQUENCE, inside)
	}
	return inside
}

func manyNames(n int) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	b.WriteString(tokenText[1:])
	return b.Bytes()
}

// allocated is how many bytes a call takes from the heap, at least over a few runs: others may run beside it.
func allocated(call func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Any file of up to 64 KiB is read and opened, or refused, with at most 1 MiB beyond its own size.
func TestNoFileTakesMuchMemory(t *testing.T) {
	pair := vectorKey(t, "acme")
	most, which := uint64(0), ""
	for name, file := range hostile(t) {
		assert.LessOrEqual(t, len(file), boundedFile, "%s is out of the promise", name)
		took := allocated(func() { readAndOpen(file, pair) })
		assert.LessOrEqual(t, took, uint64(len(file)+moreMemory), name)
		if beyond := took - min(took, uint64(len(file))); beyond > most {
			most, which = beyond, name
		}
	}
	t.Logf("the most beyond a file's own size: %d bytes, for %s", most, which)
}

func readAndOpen(file []byte, pair abmtoken.KeyPair) {
	if envelope, err := abmtoken.ReadEnvelope(file); err == nil {
		envelope.Recipients()
		_, _, _ = envelope.Open(pair)
	}
}

// Each hostile shape of these is there to reach as deep as it can; a corpus that is refused at the door proves little.
func TestHostileFilesReachTheReader(t *testing.T) {
	files := hostile(t)
	for _, name := range []string{
		"many recipients", "recipients with long names", "a long serial number", "a long key identifier", "content in small pieces",
		"content in one piece", "a long text of JSON", "deep valid JSON", "many names in JSON",
	} {
		_, err := abmtoken.ReadEnvelope(files[name])
		assert.NoError(t, err, name)
	}
}

// BenchmarkReadWorstFile prints the slowest file of the corpus, against the 5 ms of the promise and an RSA operation of the
// same run. Times of a shared machine are no assertion.
func BenchmarkReadWorstFile(b *testing.B) {
	pair := vectorKey(b, "acme")
	files := hostile(b)
	fastest := func(call func()) time.Duration {
		least := time.Hour
		for range 5 {
			began := time.Now()
			call()
			least = min(least, time.Since(began))
		}
		return least
	}
	worst, which := time.Duration(0), ""
	for name, file := range files {
		took := fastest(func() {
			if envelope, err := abmtoken.ReadEnvelope(file); err == nil {
				envelope.Recipients()
				envelope.For(pair)
			}
		})
		if took > worst {
			worst, which = took, name
		}
	}
	plain := map[string]time.Duration{}
	for _, name := range []string{"a long text of JSON", "escapes in JSON", "many names in JSON", "many breaks in JSON", "many lines in the content"} {
		envelope, err := abmtoken.ReadEnvelope(files[name])
		if err != nil {
			b.Fatal(err)
		}
		text, _ := envelope.Decrypt(pair)
		plain[name] = fastest(func() { _, _ = abmtoken.ReadDecrypted(text) })
		if plain[name] > worst {
			worst, which = plain[name], name+", decrypted"
		}
	}
	portal := vectors(b)["apple-portal"].file
	rsa := fastest(func() { readAndOpen(portal, pair) })
	b.Logf("slowest: %s in %v; a whole token with its RSA operation in %v", which, worst, rsa)
	for b.Loop() {
		_, _ = abmtoken.ReadEnvelope(files[strings.TrimSuffix(which, ", decrypted")])
	}
	b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
	b.ReportMetric(float64(worst)/float64(rsa), "worst/RSA")
}
