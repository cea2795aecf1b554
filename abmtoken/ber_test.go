package abmtoken_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/abmtoken"
)

func TestGuardLetsOneWholeElementThrough(t *testing.T) {
	null := "0500"
	for name, c := range map[string]struct {
		bytes string // hex
		says  string // how many nodes, "cut" or "no BER"
	}{
		"a null":                                         {null, "1"},
		"a sequence":                                     {"3004" + null + null, "3"},
		"an empty sequence":                              {"3000", "1"},
		"an indefinite sequence":                         {"3080" + null + "0000", "2"},
		"nested indefinite sequences":                    {"308030800000" + null + "0000", "3"},
		"a definite one in an indefinite one":            {"30803002" + null + "0000", "3"},
		"an indefinite one in a definite one":            {"30063080" + null + "0000", "3"},
		"octets in pieces":                               {"24800401aa0401bb0000", "3"},
		"a length of one more byte":                      {"308102" + null, "2"},
		"a length of two more bytes":                     {"30820002" + null, "2"},
		"a length of three more bytes":                   {"3083000002" + null, "2"},
		"a length of four more bytes":                    {"308400000002" + null, "no BER"},
		"a length of 127 more bytes":                     {"30ff" + strings.Repeat("00", 127), "no BER"},
		"a tag of many bytes":                            {"1f8100", "no BER"},
		"a constructed tag of many bytes":                {"3f810000", "no BER"},
		"a primitive one without a length":               {"04800000", "no BER"},
		"a primitive one without a length in a sequence": {"3004" + "048001aa", "no BER"},
		"nothing":                              {"", "cut"},
		"a tag only":                           {"30", "cut"},
		"a length that is cut":                 {"308201", "cut"},
		"content that is cut":                  {"300305", "cut"},
		"no end of contents":                   {"3080" + null, "cut"},
		"half an end of contents":              {"3080" + null + "00", "cut"},
		"one end of two":                       {"308030800000", "cut"},
		"bytes behind it":                      {null + "00", "no BER"},
		"another element behind it":            {null + null, "no BER"},
		"an end of contents behind it":         {"3080" + null + "00000000", "no BER"},
		"an end of contents alone":             {"0000", "no BER"},
		"an end of contents in a definite one": {"30020000", "no BER"},
		"an end of contents with a length":     {"308000010000", "no BER"},
		"an end with a length, and more":       {"3006" + "30800001" + null, "no BER"},
		"an end before an inner one ends":      {"308030020000" + "0000", "no BER"},
		"a child that leaves its parent":       {"3003" + "0402aaaa", "no BER"},
		"a header that leaves its parent":      {"3001" + null, "no BER"},
		"a length that leaves its parent":      {"3002" + "3081" + "00", "no BER"},
		"an indefinite child that leaves":      {"3004" + "3080" + null + "0000", "no BER"},
		"a child that leaves a parent further": {"3005" + "30800401aa" + "0000", "no BER"},
	} {
		der, err := hex.DecodeString(c.bytes)
		require.NoError(t, err, name)
		nodes, cut, err := abmtoken.GuardBER(der)
		switch c.says {
		case "cut":
			assert.True(t, cut && err != nil, name)
		case "no BER":
			assert.True(t, !cut && err != nil, name)
		default:
			require.NoError(t, err, name)
			assert.Equal(t, c.says, string(rune('0'+nodes)), name)
		}
	}
}

func TestGuardBoundsDepthAndNumber(t *testing.T) {
	inIndefinite := func(depth int) []byte {
		return append(bytes.Repeat([]byte{0x30, 0x80}, depth), make([]byte, 2*depth)...)
	}
	for _, at := range []struct {
		file []byte
		good bool
	}{
		{nested(16, []byte{}), true}, {nested(17, []byte{}), false}, {inIndefinite(16), true}, {inIndefinite(17), false},
		{element(asn1.SEQUENCE, bytes.Repeat([]byte{5, 0}, 4095)), true}, {element(asn1.SEQUENCE, bytes.Repeat([]byte{5, 0}, 4096)), false},
	} {
		_, cut, err := abmtoken.GuardBER(at.file)
		assert.Equal(t, at.good, err == nil, "%d bytes", len(at.file))
		assert.False(t, cut)
	}
}

func TestGuardAllocatesNothing(t *testing.T) {
	der := forged{pair: vectorKey(t, "acme"), plain: []byte(tokenText), chunk: 16}.der(t)
	assert.Zero(t, testing.AllocsPerRun(10, func() { _, _, _ = abmtoken.GuardBER(der) }))
}

// Every message that is cut says so, and none of it is let through.
func TestGuardKnowsACutMessage(t *testing.T) {
	for _, chunk := range []int{0, 64} {
		der := forged{pair: vectorKey(t, "acme"), plain: []byte(tokenText), chunk: chunk}.der(t)
		for end := range der {
			_, cut, err := abmtoken.GuardBER(der[:end])
			require.Error(t, err)
			require.True(t, cut, "cut at %d", end)
		}
	}
}

// Random trees of elements pass; whatever passes has as many nodes as the tree.
func TestGuardCountsTheTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := 0
		var grow func(depth int) []byte
		grow = func(depth int) []byte {
			count++
			if depth == 0 || rapid.Bool().Draw(t, "leaf") {
				return element(asn1.OCTET_STRING, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content"))
			}
			var parts [][]byte
			for range rapid.IntRange(0, 4).Draw(t, "children") {
				parts = append(parts, grow(depth-1))
			}
			if rapid.Bool().Draw(t, "indefinite") {
				return streamed(asn1.SEQUENCE, parts...)
			}
			return element(asn1.SEQUENCE, parts...)
		}
		der := grow(5)
		nodes, _, err := abmtoken.GuardBER(der)
		if err != nil || nodes != count {
			t.Fatalf("%d nodes of %d, %v", nodes, count, err)
		}
	})
}
