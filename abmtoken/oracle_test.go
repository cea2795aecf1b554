package abmtoken_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Once the recipient has matched, every cause of a failure has one answer, to the letter: whoever sends altered files
// learns nothing about the key or the text from the answers (RFC 3218, section 2.3; RFC 5652, section 14).
func TestEveryFailureAfterTheRecipientMatchedIsOneError(t *testing.T) {
	pair, stranger := vectorKey(t, "acme"), vectorKey(t, "other")
	framed := []byte("Content-Type: text/plain;charset=UTF-8\r\n\r\n-----BEGIN MESSAGE-----\r\n" + tokenText + "\r\n-----END MESSAGE-----\r\n")
	public := publicKey(pair)
	oaep := element(asn1.SEQUENCE, oid(t, "1.2.840.113549.1.1.7"), element(asn1.SEQUENCE))
	elsewhere, err := rsa.EncryptPKCS1v15(rand.Reader, publicKey(stranger), make([]byte, 16)) //nolint:staticcheck // Apple's form
	require.NoError(t, err)
	beyond := bytes.Repeat([]byte{0xff}, public.Size())
	withOAEP := func(key []byte) []byte {
		block, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
		require.NoError(t, err)
		return block
	}
	var withoutZero []byte // a block whose first byte is zero and left out
	for key := bytes.Repeat([]byte{0x17}, 16); len(withoutZero) == 0 || withoutZero[0] != 0; {
		withoutZero, err = rsa.EncryptPKCS1v15(rand.Reader, public, key) //nolint:staticcheck // Apple's form
		require.NoError(t, err)
	}
	wrong, zeros := append(make([]byte, public.Size()-1), 2), make([]byte, 16)
	unpadded := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 16) }
	causes := map[string]forged{
		"RSA padding that is wrong":            {rsaBlock: append(make([]byte, public.Size()-1), 2)},
		"wrong RSA padding, and a guessed key": {rsaBlock: wrong, key: zeros},
		"wrong OAEP, and a guessed key":        {transport: oaep, rsaBlock: wrong, key: zeros},
		"an RSA block without its first zero":  {rsaBlock: withoutZero[1:]},
		"OAEP around a key that is long":       {transport: oaep, rsaBlock: withOAEP(bytes.Repeat([]byte{0x17}, 32))},
		"OAEP around a key that is short":      {transport: oaep, rsaBlock: withOAEP([]byte{0x17}), key: append([]byte{0x17}, zeros[1:]...)},
		"an RSA block of zeros":                {rsaBlock: make([]byte, public.Size())},
		"an RSA block beyond the modulus":      {rsaBlock: beyond},
		"an RSA block that is short":           {rsaBlock: make([]byte, public.Size()-1)},
		"an RSA block that is long":            {rsaBlock: make([]byte, public.Size()+1)},
		"an RSA block of nothing":              {rsaBlock: []byte{}},
		"an RSA block for another key":         {rsaBlock: elsewhere},
		"OAEP padding that is wrong":           {transport: oaep},
		"OAEP that is beyond the modulus":      {transport: oaep, rsaBlock: beyond},
		"a key that is short":                  {wrappedAs: make([]byte, 15)},
		"a key that is long":                   {wrappedAs: make([]byte, 32)},
		"a key of nothing":                     {wrappedAs: []byte{}},
		"a key of AES-128 for AES-256":         {cipher: "aes256-cbc", wrappedAs: bytes.Repeat([]byte{0x17}, 16)},
		"a key of triple DES for AES-128":      {wrappedAs: bytes.Repeat([]byte{0x17}, 24)},
		"another key":                          {wrappedAs: bytes.Repeat([]byte{0x99}, 16)},
		"content padding of 0":                 {padding: unpadded(0)},
		"content padding of 17":                {padding: unpadded(17)},
		"content padding of 255":               {padding: unpadded(255)},
		"content padding that differs inside":  {padding: append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)},
		"content padding that is missing":      {plain: bytes.Repeat([]byte("x"), 32), padding: []byte{}},
		"content that is padding only":         {plain: []byte{}},
		"content that ends early":              {cut: 32},
		"one block of content":                 {cut: len(framed) / 16 * 16},
		"another last block":                   {mangle: func(text []byte) { text[len(text)-1] ^= 1 }},
		"another block in the middle":          {mangle: func(text []byte) { text[len(text)/2] ^= 1 }},
		"another first block":                  {mangle: func(text []byte) { text[0] ^= 1 }},
		"blocks in another order":              {mangle: func(text []byte) { copy(text[16:48], append(bytes.Clone(text[32:48]), text[16:32]...)) }},
		"another IV": {content: func() []byte {
			return element(asn1.SEQUENCE, oid(t, "2.16.840.1.101.3.4.1.2"), element(asn1.OCTET_STRING, bytes.Repeat([]byte{0xc2}, 16)))
		}},
		"bytes that are no text":                {plain: []byte(tokenText + "\x00")},
		"text that begins like no token":        {plain: []byte("Hello")},
		"JSON that begins like no token":        {plain: []byte(`{"answer":"42"}`)},
		"a token behind other text":             {plain: []byte("xxxxxxxxxxxxxxxx" + tokenText)},
		"half a token, from the middle":         {plain: []byte(tokenText[40:])},
		"text in an encoding that is not UTF-8": {plain: []byte("{\"consumer_key\":\"\xe4\"}")},
	}
	for name, f := range causes {
		t.Run(name, func(t *testing.T) {
			if f.plain == nil {
				f.plain = framed
			}
			f.pair = pair
			envelope, err := abmtoken.ReadEnvelope(f.der(t))
			require.NoError(t, err)
			require.True(t, envelope.For(pair))
			token, used, err := envelope.Open(stranger, pair)
			require.Equal(t, abmtoken.ErrDecrypt, err, "the very same error, with nothing around it")
			assert.True(t, token.IsZero() && used.IsZero())
		})
	}
	// The same messages without any of these open.
	_, _, err = abmtoken.Open(forged{pair: pair, plain: framed, transport: oaep, rsaBlock: withOAEP(bytes.Repeat([]byte{0x17}, 16))}.der(t), vectorsNow, pair)
	require.NoError(t, err)
	_, _, err = abmtoken.Open(forged{pair: pair, plain: framed}.der(t), vectorsNow, pair)
	require.NoError(t, err)
}

// What is refused before anything is decrypted is public: it says nothing about the key.
func TestLengthsAreCheckedBeforeDecryption(t *testing.T) {
	pair := vectorKey(t, "acme")
	for name, f := range map[string]forged{
		"ciphertext of half blocks": {cut: 1}, "no ciphertext": {cut: 1 << 20}, "an IV that is short": {iv: make([]byte, 15)},
		"an IV that is long": {iv: make([]byte, 17)}, "no IV": {iv: []byte{}}, "an IV of AES for triple DES": {cipher: "des-ede3-cbc", iv: make([]byte, 16)},
	} {
		f.pair, f.plain = pair, []byte(tokenText)
		_, err := abmtoken.ReadEnvelope(f.der(t))
		var other *abmtoken.NotServerTokenError
		require.ErrorAs(t, err, &other, name)
		assert.Equal(t, abmtoken.FileDamaged, other.Kind, name)
	}
}

// A file that names no pair for sure is tried with each; that none fits is one answer too.
func TestAllTrialsFailAlike(t *testing.T) {
	pair, keyOnly := vectorKey(t, "one"), vectorKey(t, "acme.key")
	for name, f := range map[string]forged{
		"RSA padding": {rsaBlock: make([]byte, 256)}, "content padding": {padding: make([]byte, 16)}, "noise": {plain: []byte("\x00\x01")},
		"no token": {plain: []byte("Hello")}, "a short block": {rsaBlock: []byte{1}},
	} {
		f.pair = pair
		if f.plain == nil {
			f.plain = []byte(tokenText)
		}
		envelope, err := abmtoken.ReadEnvelope(f.der(t))
		require.NoError(t, err)
		_, _, err = envelope.Open(pair, keyOnly)
		require.Equal(t, abmtoken.ErrUnknownRecipient, err, name)
	}
}

// A sender may alter the first block of a file in any way, and cut the file anywhere. No guess gets another answer than
// the one error, so that no text comes out of it.
func TestAnswersDoNotTellTheText(t *testing.T) {
	pair := vectorKey(t, "acme")
	secret := strings.Repeat("s", 15)
	for _, guess := range []int{0, 1, 2, 3, 15, 16, 17, 'x', 255} {
		// One block of an intercepted file, with the IV chosen so that the guess of its last byte makes a padding of 1.
		plain := append([]byte(secret), byte(guess))
		envelope, err := abmtoken.ReadEnvelope(forged{pair: pair, plain: plain, padding: []byte{}}.der(t))
		require.NoError(t, err)
		_, _, err = envelope.Open(pair)
		require.Equal(t, abmtoken.ErrDecrypt, err, guess)
		// The tail of the file behind a block of the sender's choice.
		envelope, err = abmtoken.ReadEnvelope(forged{pair: pair, plain: append(plain, tokenText[len(tokenText)/2:]...)}.der(t))
		require.NoError(t, err)
		_, _, err = envelope.Open(pair)
		require.Equal(t, abmtoken.ErrDecrypt, err, guess)
	}
}

// The padding is judged by arithmetic alone; this is the same with branches.
func TestPaddingIsTakenOffAsTheStandardSays(t *testing.T) {
	naive := func(b []byte, block int) ([]byte, bool) {
		n := int(b[len(b)-1])
		if n < 1 || n > block || !bytes.Equal(b[len(b)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
			return b, false
		}
		return b[:len(b)-n], true
	}
	for _, block := range []int{8, 16} {
		for last := range 256 {
			for same := range block + 2 { // how many bytes have the last one's value
				b := bytes.Repeat([]byte{byte(last + 1)}, 2*block)
				for i := range min(same+1, len(b)) {
					b[len(b)-1-i] = byte(last)
				}
				want, wantOK := naive(b, block)
				got, ok := abmtoken.Unpad(bytes.Clone(b), block)
				require.Equal(t, wantOK, ok, "block %d, last %d, same %d", block, last, same)
				require.True(t, bytes.Equal(want, got), "block %d, last %d, same %d", block, last, same)
			}
		}
	}
}
