package abmtoken_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Each test is one pain of people who run other systems, and shows that it is none here.

func parsed(t testing.TB, consumer, access, expiry string) abmtoken.Token {
	t.Helper()
	text := strings.NewReplacer("CK_1", consumer, "AT_1", access, "2027-11-24T21:27:41Z", expiry).Replace(tokenText)
	token, err := abmtoken.ParseToken([]byte(text))
	require.NoError(t, err)
	return token
}

// A certificate that was asked for again made the one before it worthless: whoever had uploaded that one got a file that
// nobody could open.
func TestPain01_EveryCertificateHandedOutOpensItsFile(t *testing.T) {
	held := []abmtoken.KeyPair{vectorKey(t, "acme"), vectorKey(t, "other"), vectorKey(t, "negative"), vectorKey(t, "large")}
	for _, pair := range held {
		file := asMail(forged{pair: pair, plain: []byte(tokenText)}.der(t), 76, "\r\n")
		_, used, err := abmtoken.Open(file, keyTime, held...)
		require.NoError(t, err)
		assert.Equal(t, pair.ID(), used.ID())
		slices.Reverse(held)
	}
}

// Another administrator who downloads the token of the same service gets another consumer key, and was taken for another
// customer.
func TestPain02_AnotherConsumerKeyIsARemarkAndNoRefusal(t *testing.T) {
	a := parsed(t, "CK_1", "AT_1", "2026-11-24T21:27:41Z")
	b := parsed(t, "CK_2", "AT_2", "2027-11-24T21:27:41Z")
	assert.Equal(t, abmtoken.Comparison{Relation: abmtoken.Newer, OtherConsumerKey: true}, abmtoken.Compare(a, b))
}

// A token renewed early was never used, because the first one in the list won.
func TestPain06_TheNewerOfTwoTokensIsKnown(t *testing.T) {
	early, late := parsed(t, "CK_1", "AT_1", "2026-11-24T21:27:41Z"), parsed(t, "CK_1", "AT_2", "2026-11-24T21:27:42Z")
	assert.Equal(t, abmtoken.Newer, abmtoken.Compare(early, late).Relation)
	assert.Equal(t, abmtoken.Older, abmtoken.Compare(late, early).Relation)
	assert.Equal(t, abmtoken.Identical, abmtoken.Compare(late, late).Relation)
	same := parsed(t, "CK_1", "AT_3", "2026-11-24T21:27:42Z")
	assert.Equal(t, abmtoken.SameAge, abmtoken.Compare(late, same).Relation, "only Apple knows which one lives")

	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) abmtoken.Token {
			seconds := rapid.Int64Range(0, 3).Draw(rt, name+" seconds")
			expiry := time.Date(2027, 1, 1, 0, 0, int(seconds), 0, time.UTC).Format(time.RFC3339)
			return parsed(t, rapid.SampledFrom([]string{"CK_1", "CK_2"}).Draw(rt, name+" consumer"),
				rapid.SampledFrom([]string{"AT_1", "AT_2"}).Draw(rt, name+" access"), expiry)
		}
		a, b := draw("a"), draw("b")
		opposite := map[abmtoken.Relation]abmtoken.Relation{
			abmtoken.Newer: abmtoken.Older, abmtoken.Older: abmtoken.Newer,
			abmtoken.Identical: abmtoken.Identical, abmtoken.SameAge: abmtoken.SameAge,
		}
		there, back := abmtoken.Compare(a, b), abmtoken.Compare(b, a)
		if opposite[there.Relation] != back.Relation || there.OtherConsumerKey != back.OtherConsumerKey {
			rt.Fatalf("%v there and %v back", there, back)
		}
		if (there.Relation == abmtoken.Identical) != (a.Fingerprint() == b.Fingerprint()) {
			rt.Fatalf("identical tokens have one fingerprint, and others not")
		}
	})
}

// The key pair of another system, with a certificate in openssl's own form, could not be taken over.
func TestPain08_KeyPairsOfOtherSystemsAreTakenOver(t *testing.T) {
	trusted := openssl(t, keyFile(t, "negative"), "x509", "-trustout", "-addtrust", "emailProtection", "-setalias", "MDM")
	require.Contains(t, string(trusted), "BEGIN TRUSTED CERTIFICATE")
	pair, err := abmtoken.ImportKeyPair(pkcs1(t, "negative"), trusted)
	require.NoError(t, err)
	token, used, err := abmtoken.Open(vectors(t)["apple-sample"].file, keyTime, pair)
	require.NoError(t, err)
	assert.Equal(t, pair.ID(), used.ID())
	assert.Equal(t, vectorCK, token.ConsumerKey())
}

// Certificates of the first version, which openssl makes of a request, are taken too.
func TestPain08_OldCertificatesAreTakenOver(t *testing.T) {
	key := filepath.Join(vectorFolder, "keys", "acme.key.pem")
	request := openssl(t, nil, "req", "-new", "-key", key, "-subj", "/CN=Old MDM")
	certificate := openssl(t, request, "x509", "-req", "-signkey", key, "-set_serial", "7", "-days", "1")
	require.Contains(t, string(openssl(t, certificate, "x509", "-noout", "-text")), "Version: 1 ")
	pair, err := abmtoken.ImportKeyPair(keyFile(t, "acme.key"), certificate)
	require.NoError(t, err)
	assert.True(t, pair.HasCertificate())
	assert.False(t, pair.UniqueRecipient())
	envelope := readForged(t, forged{pair: pair, id: element(asn1.SEQUENCE, element(asn1.SEQUENCE, attribute(t, "2.5.4.3", asn1.UTF8String, "Old MDM")),
		element(asn1.INTEGER, []byte{7}))})
	assert.True(t, envelope.For(pair))
	_, _, err = envelope.Open(pair)
	require.NoError(t, err)
}

// A file for another key pair, which happens to whoever looks after many customers, ended in a message about decryption.
func TestPain13_AFileForAnotherKeyPairIsCalledSo(t *testing.T) {
	file := vectors(t)["recipient-unknown"].file
	_, _, err := abmtoken.Open(file, keyTime, vectorKey(t, "acme"))
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	require.ErrorContains(t, err, "made for another certificate; take the file of this service")
	envelope, err := abmtoken.ReadEnvelope(file)
	require.NoError(t, err)
	assert.Equal(t, "O=Acme Inc., CN=Other MDM", envelope.Recipients()[0].Issuer, "and whose it is can be shown")
	assert.Equal(t, vectorKey(t, "other").Recipient(), envelope.Recipients()[0].Recipient, "or looked up")
}

// The older one of two downloads was uploaded, and the answer was that something went wrong.
func TestPain14_TheOlderOfTwoDownloadsIsRecognized(t *testing.T) {
	pair := vectorKey(t, "acme")
	open := func(access, expiry string) abmtoken.Token {
		text := strings.NewReplacer("AT_1", access, "2027-11-24T21:27:41Z", expiry).Replace(tokenText)
		token, _, err := abmtoken.Open(forged{pair: pair, plain: []byte(text), chunk: 64}.der(t), keyTime, pair)
		require.NoError(t, err)
		return token
	}
	first, second := open("AT_1", "2027-11-24T21:27:41Z"), open("AT_2", "2027-11-24T21:30:00Z")
	assert.Equal(t, abmtoken.Older, abmtoken.Compare(second, first).Relation)
}

// Indefinite lengths and explicit content broke readers; lengths that were too short were taken.
func TestPain42_LengthsAreTakenAtTheirWord(t *testing.T) {
	pair := vectorKey(t, "acme")
	for _, chunk := range []int{0, 8, 16, 100, 1000} {
		f := forged{pair: pair, plain: []byte(tokenText), chunk: chunk}
		_, _, err := abmtoken.Open(f.der(t), keyTime, pair)
		require.NoError(t, err, "pieces of %d", chunk)
	}
	_, _, err := abmtoken.Open(forged{pair: pair, plain: []byte(tokenText), chunk: 32, nest: true}.der(t), keyTime, pair)
	require.NoError(t, err, "pieces in pieces")
	// Any length that is altered by one is noticed, wherever it stands.
	der := forged{pair: pair, plain: []byte(tokenText)}.der(t)
	lengths := 0
	for _, at := range lengthsOf(t, der) {
		for _, by := range []byte{1, 0xff} {
			changed := bytes.Clone(der)
			changed[at] += by
			_, _, err := abmtoken.Open(changed, keyTime, pair)
			require.Error(t, err, "the length at %d", at)
			lengths++
		}
	}
	assert.Greater(t, lengths, 40)
	// An indefinite length needs its end, and a definite one has none.
	streamedDER := forged{pair: pair, plain: []byte(tokenText), chunk: 100}.der(t)
	for cut := 1; cut <= 8; cut++ {
		_, err := abmtoken.ReadEnvelope(streamedDER[:len(streamedDER)-cut])
		require.ErrorIs(t, err, abmtoken.ErrNotServerToken)
	}
	_, err = abmtoken.ReadEnvelope(append(bytes.Clone(streamedDER), 0, 0))
	require.ErrorIs(t, err, abmtoken.ErrNotServerToken)
}

// lengthsOf are the places of the last byte of each length in DER, but for those of values that nobody looks at.
func lengthsOf(t *testing.T, der []byte) (places []int) {
	var walk func(from, to int)
	walk = func(from, to int) {
		for from < to {
			tag, length, body := asn1.Tag(der[from]), int(der[from+1]), from+2
			if length >= 0x80 {
				size := length & 0x7f
				length = 0
				for _, digit := range der[body : body+size] {
					length = length<<8 | int(digit)
				}
				body += size
			}
			places = append(places, body-1)
			if tag&0x20 != 0 {
				walk(body, body+length)
			}
			from = body + length
		}
		require.Equal(t, to, from)
	}
	walk(0, len(der))
	return places
}

// The reader that everybody shared was given up by its makers. Ours stands on the standard library and one strict reader of
// DER.
func TestPain43_TheReaderIsOurOwn(t *testing.T) {
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	seen := 0
	for _, file := range files {
		if name := file.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			source, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, spec := range source.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				assert.True(t, !strings.Contains(path, ".") || strings.HasPrefix(path, "golang.org/x/crypto/cryptobyte"), "%s imports %s", name, path)
				seen++
			}
		}
	}
	assert.Greater(t, seen, 20)
}

// With several keys outstanding, the recipient in the file says which one it is for: no other is used.
func TestPain44_TheFileNamesItsKey(t *testing.T) {
	for _, byKeyIdentifier := range []bool{false, true} {
		t.Run(fmt.Sprint("by key identifier: ", byKeyIdentifier), func(t *testing.T) {
			var right, wrong int
			keys := slices.Repeat([]abmtoken.KeyPair{abmtoken.Counted(vectorKey(t, "other"), &wrong)}, 20)
			pair := vectorKey(t, "acme")
			f := forged{pair: pair, plain: []byte(tokenText)}
			if byKeyIdentifier {
				f.id = element(tag0, subjectKeyID(t, pair))
			}
			envelope, err := abmtoken.ReadEnvelope(f.der(t))
			require.NoError(t, err)
			tried := func(keys ...abmtoken.KeyPair) (int, int) {
				right, wrong = 0, 0
				_, used, err := envelope.Open(keys...)
				require.NoError(t, err)
				assert.Equal(t, pair.ID(), used.ID())
				return right, wrong
			}
			counted := abmtoken.Counted(pair, &right)
			forRight, forWrong := tried(append(keys, counted)...)
			assert.Equal(t, 1, forRight, "each use of a private key is one RSA operation")
			if byKeyIdentifier { // the public halves of the others are looked at, once each
				forWrong -= len(keys)
			}
			assert.Zero(t, forWrong, "another key was tried")
			assert.True(t, envelope.For(pair))
			assert.False(t, envelope.For(keys[0]))
		})
	}
}

// Where the file names its pair for sure, no other is tried, even if that pair does not open it.
func TestPain44_ANamedKeyIsTheOnlyOneTried(t *testing.T) {
	var uses int
	pair := vectorKey(t, "acme")
	others := []abmtoken.KeyPair{abmtoken.Counted(vectorKey(t, "one"), &uses), abmtoken.Counted(vectorKey(t, "other.key"), &uses)}
	broken := readForged(t, forged{pair: pair, rsaBlock: make([]byte, 256)})
	_, _, err := broken.Open(append(others, pair)...)
	require.ErrorIs(t, err, abmtoken.ErrDecrypt)
	assert.Zero(t, uses)
	_, _, err = broken.Open(others...)
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	assert.Equal(t, 2, uses, "without it both are tried")
}
