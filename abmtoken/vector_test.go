package abmtoken_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

const vectorFolder = "testdata/vectors"

// vectorsNow is the time at which the vectors are opened.
var vectorsNow = time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)

// vector is a file that somebody may upload, with what has to become of it. Its lines are:
//
//	expect         success, expired, unknown recipient, cannot decrypt, bad content, unsupported, too large, or
//	               "not a server token: " and the kind of file that it is
//	keys           the pairs that are held, by their names in the folder keys; else the one of key.
//	               A name that ends with .key has no certificate
//	key            the pair that opens it; else acme
//	cipher, key_transport   how it is encrypted
//	names          "key identifier": how it names its recipient; else by issuer and serial number
//	recipients     how many it has; else not looked at
//	says           what the error's message has to contain
//	keeps          a field of the JSON that is unknown and has to survive
//	repeat         how often the body comes
//	comment        for readers
type vector struct {
	lines map[string]string
	file  []byte
}

var vectorLines = []string{
	"expect", "keys", "key", "cipher", "key_transport", "names", "recipients", "says", "keeps", "repeat", "comment",
}

func parseVector(text []byte) (v vector, err error) {
	v.lines = map[string]string{}
	for {
		var line []byte
		var found bool
		if line, text, found = bytes.Cut(text, []byte("\n")); !found {
			return v, errors.New("no empty line before the file")
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ": ")
		if !slices.Contains(vectorLines, name) || value == "" || v.lines[name] != "" {
			return v, fmt.Errorf("line %q is unknown, empty or comes twice", line)
		}
		v.lines[name] = value
	}
	expect, _, _ := strings.Cut(v.lines["expect"], ": ")
	if _, known := outcomes[expect]; !known {
		return v, fmt.Errorf("it does not say what to expect: %q", v.lines["expect"])
	}
	v.file = text
	if times, err := strconv.Atoi(v.line("repeat", "1")); err == nil {
		v.file = bytes.Repeat(text, times)
	}
	return v, nil
}

func (v vector) line(name, otherwise string) string {
	if value := v.lines[name]; value != "" {
		return value
	}
	return otherwise
}

// outcomes are what may be expected, and the sentinel of each.
var outcomes = map[string]error{
	"success": nil, "expired": abmtoken.ErrExpired, "unknown recipient": abmtoken.ErrUnknownRecipient,
	"cannot decrypt": abmtoken.ErrDecrypt, "bad content": abmtoken.ErrBadContent, "unsupported": abmtoken.ErrUnsupported,
	"too large": abmtoken.ErrTooLarge, "not a server token": abmtoken.ErrNotServerToken,
}

var allSentinels = []error{
	abmtoken.ErrTooLarge, abmtoken.ErrNotServerToken, abmtoken.ErrUnsupported, abmtoken.ErrUnknownRecipient,
	abmtoken.ErrDecrypt, abmtoken.ErrBadContent, abmtoken.ErrExpired, abmtoken.ErrFIPS, abmtoken.ErrInternal, abmtoken.ErrBadKey,
}

// vectors reads the whole folder.
func vectors(t testing.TB) map[string]vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	require.NoError(t, err)
	all := map[string]vector{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		v, err := parseVector(text)
		require.NoError(t, err, file)
		all[strings.TrimSuffix(filepath.Base(file), ".txt")] = v
	}
	return all
}

// vectorKey is a pair of the folder keys.
func vectorKey(t testing.TB, name string) abmtoken.KeyPair {
	t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(vectorFolder, "keys", name+".pem"))
		require.NoError(t, err)
		return text
	}
	var certificate []byte
	key, keyOnly := strings.CutSuffix(name, ".key")
	if !keyOnly {
		certificate = read(name)
	}
	pair, err := abmtoken.ImportKeyPair(read(key+".key"), certificate)
	require.NoError(t, err, name)
	return pair
}

func TestEveryVectorEndsAsItSays(t *testing.T) {
	for name, v := range vectors(t) {
		t.Run(name, func(t *testing.T) { v.check(t) })
	}
}

func (v vector) check(t *testing.T) {
	opener := vectorKey(t, v.line("key", "acme"))
	var held []abmtoken.KeyPair
	for _, name := range strings.Fields(v.line("keys", v.line("key", "acme"))) {
		held = append(held, vectorKey(t, name))
	}
	before := bytes.Clone(v.file)
	token, used, err := abmtoken.Open(v.file, vectorsNow, held...)
	assert.Equal(t, before, v.file, "reading must not change the file")

	expect, kind, _ := strings.Cut(v.lines["expect"], ": ")
	for _, sentinel := range allSentinels {
		assert.Equal(t, errors.Is(outcomes[expect], sentinel), errors.Is(err, sentinel), "%v for the error %v", sentinel, err)
	}
	if err != nil {
		assert.Contains(t, err.Error(), v.lines["says"])
	}
	if kind != "" {
		var other *abmtoken.NotServerTokenError
		require.ErrorAs(t, err, &other)
		assert.Equal(t, abmtoken.FileKind(kind), other.Kind)
		assert.Contains(t, err.Error(), kind, "the message names the thing")
		assert.Contains(t, err.Error(), other.Kind.Advice(), "and what to do about it")
	}
	if expect != "success" && expect != "expired" {
		assert.True(t, token.IsZero() && used.IsZero(), "a refused file gives nothing")
		if kind == "" && expect != "too large" && expect != "unsupported" {
			v.checkEnvelope(t)
		}
		return
	}
	v.checkEnvelope(t)
	v.checkToken(t, token)
	assert.Equal(t, opener.ID(), used.ID(), "opened by another pair")
}

func (v vector) checkEnvelope(t *testing.T) {
	envelope, err := abmtoken.ReadEnvelope(v.file)
	require.NoError(t, err)
	if want := v.lines["cipher"]; want != "" {
		assert.Equal(t, want, envelope.Cipher())
	}
	to := envelope.Recipients()
	if want := v.lines["recipients"]; want != "" {
		assert.Equal(t, want, strconv.Itoa(len(to)))
	}
	last := to[len(to)-1]
	if want := v.lines["key_transport"]; want != "" {
		assert.Equal(t, want, last.KeyTransport)
	}
	byKey := v.lines["names"] == "key identifier"
	assert.Equal(t, byKey, last.KeyID != "")
	assert.Equal(t, byKey, last.Issuer == "" && last.Serial == "")
}

// What make.sh puts into the vectors.
const vectorExpiry = "2027-11-24T21:27:41Z"

var (
	vectorCK = "CK_" + strings.Repeat("c", 96)
	vectorCS = "CS_" + strings.Repeat("d", 40)
	vectorAT = "AT_O13897348619O" + strings.Repeat("e", 40) + "O1795555661000"
	vectorAS = "AS_" + strings.Repeat("f", 40)
)

func (v vector) checkToken(t *testing.T, token abmtoken.Token) {
	assert.Equal(t, vectorCK, token.ConsumerKey())
	assert.Equal(t, vectorCS, token.ConsumerSecret().Reveal())
	assert.Equal(t, vectorAT, token.AccessToken().Reveal())
	assert.Equal(t, vectorAS, token.AccessSecret().Reveal())
	if v.lines["expect"] == "success" {
		assert.Equal(t, vectorExpiry, token.Expires().Format(time.RFC3339))
	}
	assert.Contains(t, token.JSON().Reveal(), v.lines["keeps"])
	again, err := abmtoken.ParseToken([]byte(token.JSON().Reveal()))
	require.NoError(t, err)
	assert.Equal(t, abmtoken.Identical, abmtoken.Compare(token, again).Relation, "what is stored is read again")
}

// A vector without an expectation, or with a line that nobody looks at, would prove nothing.
func TestVectorsMustSayWhatToExpect(t *testing.T) {
	for _, bad := range []string{
		"", "expect: success", "\nfile", "comment: none\n\nfile", "expect: luck\n\nfile", "expect: success\nexpects: more\n\nfile",
		"expect: \n\nfile", "expect: success\nexpect: expired\n\nfile",
	} {
		_, err := parseVector([]byte(bad))
		require.Error(t, err, "%q", bad)
	}
	v, err := parseVector([]byte("expect: success\n\n\nfile"))
	require.NoError(t, err)
	assert.Equal(t, "\nfile", string(v.file))
}

// The folder has each outcome, cipher, key transport and kind of file.
func TestVectorsLeaveNothingOut(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		for _, name := range []string{"expect", "cipher", "key_transport", "names"} {
			seen[v.lines[name]] = true
		}
	}
	wanted := []string{
		"aes128-cbc", "aes192-cbc", "aes256-cbc", "des-ede3-cbc", "key identifier", "rsaes-pkcs1-v1_5", "rsaes-oaep-sha1",
		"rsaes-oaep-sha256", "rsaes-oaep-sha256-mgf1-sha1", "rsaes-oaep-sha1-mgf1-sha256",
	}
	for outcome := range maps.Keys(outcomes) {
		if outcome != "not a server token" {
			wanted = append(wanted, outcome)
		}
	}
	for _, kind := range []abmtoken.FileKind{
		abmtoken.FileEmpty, abmtoken.FileTruncated, abmtoken.FileDamaged, abmtoken.FileContentToken, abmtoken.FileCertificate,
		abmtoken.FilePushCert, abmtoken.FileRequest, abmtoken.FilePrivateKey, abmtoken.FilePublicKey, abmtoken.FilePKCS12,
		abmtoken.FileSigned, abmtoken.FileOtherCMS, abmtoken.FileTokenJSON, abmtoken.FilePlist, abmtoken.FileHTML,
		abmtoken.FileZip, abmtoken.FilePDF, abmtoken.FileJSON, abmtoken.FileUnknown,
	} {
		wanted = append(wanted, "not a server token: "+string(kind))
	}
	for _, want := range wanted {
		assert.True(t, seen[want], "no vector for %q", want)
	}
}
