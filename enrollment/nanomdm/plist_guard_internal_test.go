package nanomdm

import (
	"strings"
	"testing"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const prolog = `<?xml version="1.0" encoding="UTF-8"?>
<!` + doctype + `>
`

func listOf(inside string) string {
	return prolog + `<plist version="1.0"><dict>` + inside + `</dict></plist>`
}

func TestApplesPropertyListsAreRead(t *testing.T) {
	text := listOf(`
	<key>MessageType</key><string>Authenticate &amp; &lt;more&gt; &#169;</string>
	<key>A</key><array><integer>3</integer><real>1.5</real><true/><false/><dict/></array>
	<key>D</key><data>AAEC</data><key>T</key><date>2026-11-25T08:00:00Z</date>`)
	m, err := readMessage([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, "Authenticate & <more> ©", m.text("MessageType"))
	assert.Equal(t, []byte{0, 1, 2}, m["D"])
	for _, without := range []string{
		strings.TrimPrefix(text, prolog), strings.Replace(text, ` version="1.0"><dict>`, `><dict>`, 1), text + "\n\n",
	} {
		_, err := readMessage([]byte(without))
		require.NoError(t, err, without)
	}
}

func TestOtherPropertyListsAreRefused(t *testing.T) {
	for what, text := range map[string]string{
		"empty":                  "",
		"only a prolog":          prolog,
		"binary":                 "bplist00\xd0\x08\x00\x00",
		"JSON":                   `{"a":1}`,
		"the old form":           `{ a = 1; }`,
		"entity":                 `<!DOCTYPE plist [<!ENTITY a "b">]><plist><dict/></plist>`,
		"entity, Apple's name":   `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd" [<!ENTITY a "b">]><plist><dict/></plist>`,
		"external entity":        `<!DOCTYPE plist SYSTEM "file:///etc/passwd"><plist><dict/></plist>`,
		"another DTD":            `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://evil.example/PropertyList-1.0.dtd"><plist><dict/></plist>`,
		"two of them":            prolog + "<!" + doctype + "><plist><dict/></plist>",
		"directive inside":       listOf("<!" + doctype + ">"),
		"unknown entity":         listOf(`<key>a</key><string>&a;</string>`),
		"another encoding":       `<?xml version="1.0" encoding="UTF-16"?><plist><dict/></plist>`,
		"instruction":            `<?php 1 ?><plist><dict/></plist>`,
		"declaration twice":      `<?xml version="1.0"?><?xml version="1.0"?><plist><dict/></plist>`,
		"declaration inside":     listOf(`<?xml version="1.0"?>`),
		"comment":                listOf(`<!-- a -->`),
		"namespace":              `<plist xmlns="x"><dict/></plist>`,
		"prefix":                 `<a:plist><a:dict/></a:plist>`,
		"attribute":              listOf(`<key a="b">a</key><true/>`),
		"version 2":              `<plist version="2.0"><dict/></plist>`,
		"another root":           `<dict/>`,
		"another root, inside":   `<html><plist><dict/></plist></html>`,
		"unknown element":        listOf(`<key>a</key><script/>`),
		"array outside":          `<plist><array/></plist>`,
		"string outside":         `<plist><string>a</string></plist>`,
		"two dicts":              `<plist><dict/><dict/></plist>`,
		"nothing inside":         `<plist></plist>`,
		"plist inside":           listOf(`<key>a</key><plist><dict/></plist>`),
		"second plist":           `<plist><dict/></plist><plist><dict/></plist>`,
		"text after":             listOf(``) + "x",
		"text before":            "x" + listOf(``),
		"text in a dict":         listOf(`x`),
		"text in true":           listOf(`<key>a</key><true>x</true>`),
		"element in a string":    listOf(`<key>a</key><string>x<string>y</string></string>`),
		"element in a key":       listOf(`<key>a<true/></key><true/>`),
		"element in true":        listOf(`<key>a</key><true><true/></true>`),
		"value without a key":    listOf(`<string>x</string>`),
		"key without a value":    listOf(`<key>a</key>`),
		"two keys":               listOf(`<key>a</key><key>b</key><true/>`),
		"key in an array":        listOf(`<key>a</key><array><key>a</key></array>`),
		"key twice":              listOf(`<key>UDID</key><string>x</string><key>UDID</key><string>y</string>`),
		"key twice, differently": listOf(`<key>UDID</key><string>x</string><key>UD&#73;D</key><string>y</string>`),
		"key twice, CDATA":       listOf(`<key>UDID</key><string>x</string><key><![CDATA[UD]]>ID</key><string>y</string>`),
		"a long key":             listOf(`<key>` + strings.Repeat("k", maxKey+1) + `</key><true/>`),
		"broken off":             listOf(`<key>a</key><string>x`),
		"wrong end":              `<plist><dict></plist></dict>`,
		"too deep":               listOf(`<key>a</key>` + strings.Repeat("<array>", maxDepth) + strings.Repeat("</array>", maxDepth)),
		"too many":               listOf(`<key>a</key><array>` + strings.Repeat("<true/>", maxNodes) + `</array>`),
		"too large":              listOf(`<key>a</key><string>` + strings.Repeat("x", maxPlist) + `</string>`),
		"a date that is none":    listOf(`<key>a</key><date>yesterday</date>`),
		"invalid UTF-8":          listOf("<key>a</key><string>\xff</string>"),
		"a control character":    listOf("<key>a</key><string>\x00</string>"),
	} {
		t.Run(what, func(t *testing.T) {
			_, err := readMessage([]byte(text))
			require.ErrorIs(t, err, ErrPlist)
			assert.Less(t, len(err.Error()), 400)
		})
	}
}

// The bounds are what they are said to be: one less passes.
func TestWhatIsJustWithinBoundsPasses(t *testing.T) {
	deep := maxDepth - 2 // plist and dict are two
	for what, text := range map[string]string{
		"deep": listOf(`<key>a</key>` + strings.Repeat("<array>", deep) + strings.Repeat("</array>", deep)),
		"many": listOf(`<key>a</key><array>` + strings.Repeat("<true/>", maxNodes-4) + `</array>`),
		"key":  listOf(`<key>` + strings.Repeat("k", maxKey) + `</key><true/>`),
	} {
		require.NoError(t, guard([]byte(text)), what)
	}
	large := listOf(`<key>a</key><string></string>`)
	large = strings.Replace(large, "<string>", "<string>"+strings.Repeat("x", maxPlist-len(large)), 1)
	require.NoError(t, guard([]byte(large)))
}

// What passes the guard never surprises the parser, and both see the same keys.
func FuzzPlist(f *testing.F) {
	f.Add(listOf(`<key>UDID</key><string>x</string><key>A</key><array><integer>-3</integer><dict><key>b</key><true/></dict></array>`))
	f.Add(listOf(`<key><![CDATA[a]]></key><data>AA==</data><key>d</key><date>2026-11-25T08:00:00Z</date><key>r</key><real>1e9</real>`))
	f.Add(`<!DOCTYPE plist [<!ENTITY a "b">]><plist><dict/></plist>`)
	f.Add("bplist00")
	f.Add(strings.Repeat("<plist>", 50))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := readMessage([]byte(text))
		if err != nil {
			require.ErrorIs(t, err, ErrPlist)
			return
		}
		for key := range m {
			require.LessOrEqual(t, len(key), maxKey)
		}
		_, _, _ = m.device(), m.reason(), m.text("UDID")
		again, err := plist.Marshal(map[string]any(m))
		if err != nil {
			return // the library reads more than it writes: an empty array
		}
		reread, err := readMessage(again)
		if err == nil {
			require.Len(t, reread, len(m), "%q", text)
		}
	})
}
