package abmtoken_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

const canary = "Canary7Secret9Yellow"

func canaryToken(t testing.TB) abmtoken.Token {
	token, err := abmtoken.ParseToken([]byte(`{"consumer_key":"CK_public","consumer_secret":"` + canary + `1","access_token":"` + canary +
		`2","access_secret":"` + canary + `3","access_token_expiry":"2027-11-24T21:27:41Z","more":"` + canary + `4"}`))
	require.NoError(t, err)
	return token
}

// shapes are the forms in which a printer may show a text: as it is, hex, base64, and the numbers of its bytes.
func shapes(secret []byte) []string {
	numbers := strings.Trim(fmt.Sprint(secret), "[]")
	return []string{
		string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), fmt.Sprintf("% x", secret),
		base64.StdEncoding.EncodeToString(secret)[:len(secret)*4/3-2], numbers, strings.ReplaceAll(numbers, " ", ", "),
		strings.ReplaceAll(numbers, " ", ","),
	}
}

// canaries are what no output may hold.
func canaries(t testing.TB, pair abmtoken.KeyPair) []string {
	all := shapes([]byte(canary))
	key := abmtoken.PrivateKey(pair)
	for _, number := range append(key.Primes, key.D) {
		all = append(all, number.String(), number.Text(16), strings.ToUpper(number.Text(16)))
		all = append(all, shapes(number.Bytes()[:24])...)
		for _, word := range number.Bits() {
			all = append(all, fmt.Sprint(word), fmt.Sprintf("%#x", word))
		}
	}
	text := pair.PrivateKeyPEM().Reveal()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	half := len(block.Bytes) / 2 // the first half has the public modulus
	return append(append(all, strings.Split(text, "\n")[14]), shapes(block.Bytes[half:half+24])...)
}

// holders are values that hold secrets in every way that programs keep them.
func holders(t testing.TB, pair abmtoken.KeyPair) map[string]any {
	token := canaryToken(t)
	secret := token.ConsumerSecret()
	type host struct {
		Token  abmtoken.Token
		secret abmtoken.Secret
		Pair   *abmtoken.KeyPair
		Any    any
	}
	file := forged{pair: pair, plain: []byte(token.JSON().Reveal())}.der(t)
	envelope, err := abmtoken.ReadEnvelope(file)
	require.NoError(t, err)
	return map[string]any{
		"Secret": secret, "*Secret": &secret, "Token": token, "*Token": &token, "KeyPair": pair, "*KeyPair": &pair,
		"JSON": token.JSON(), "PEM": pair.PrivateKeyPEM(),
		"slice": []abmtoken.Token{token}, "array": [1]abmtoken.Secret{secret}, "map": map[string]abmtoken.KeyPair{"a": pair},
		"struct": host{token, secret, &pair, secret}, "*struct": &host{token, secret, &pair, token},
		"error": fmt.Errorf("with %v and %v and %v", token, pair, secret), "source": abmtoken.Static(token),
		"envelope": envelope, "comparison": abmtoken.Compare(token, token), "recipient": pair.Recipient(),
	}
}

func TestNoPrinterShowsASecret(t *testing.T) {
	pair := vectorKey(t, "acme")
	forbidden := canaries(t, pair)
	for name, value := range holders(t, pair) {
		for how, printed := range prints(t, value) {
			for _, secret := range forbidden {
				if strings.Contains(printed, secret) {
					t.Errorf("%s of %s shows a secret", how, name) // and not which one
				}
			}
		}
	}
}

// prints shows a value with every printer.
func prints(t testing.TB, value any) map[string]string {
	out := map[string]string{}
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
		for _, flag := range []string{"", "+", "#", " ", "-", "0", "200.100", "+#"} {
			format := "%" + flag + string(verb)
			out["fmt "+format] = fmt.Sprintf(format, value)
		}
	}
	out["Sprint"], out["Sprintln"] = fmt.Sprint(value), fmt.Sprintln(value)
	var text, object, list bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "value", value, slog.Group("g", "value", value))
	slog.New(slog.NewJSONHandler(&object, nil)).With("with", value).Info("m", "value", value)
	out["slog text"], out["slog JSON"] = text.String(), object.String()
	encoded, err := json.Marshal(value)
	out["json"] = fmt.Sprint(string(encoded), err)
	encoded, err = xml.Marshal(value)
	out["xml"] = fmt.Sprint(string(encoded), err)
	err = gob.NewEncoder(&list).Encode(value)
	out["gob"] = fmt.Sprint(list.String(), err)
	var page bytes.Buffer
	err = template.Must(template.New("").Parse(`{{.}} {{printf "%v" .}}`)).Execute(&page, value)
	out["template"] = fmt.Sprint(page.String(), err)
	var said teller
	assert.Equal(&said, 0, value)
	out["testify"] = said.text
	assert.Equal(&said, reflect.Zero(reflect.TypeOf(value)).Interface(), value) // of one type, so that it follows every pointer
	out["testify, deep"] = said.text
	out["go-cmp"] = cmp.Diff(0, value)
	for _, key := range []string{"fmt %v", "slog text", "slog JSON", "testify", "go-cmp"} {
		require.NotEmpty(t, out[key], "a printer that prints nothing proves nothing")
	}
	return out
}

type teller struct{ text string }

func (s *teller) Errorf(format string, args ...any) { s.text += fmt.Sprintf(format, args...) }

// The search finds what it looks for.
func TestCanariesAreFound(t *testing.T) {
	pair := vectorKey(t, "acme")
	forbidden := canaries(t, pair)
	for name, leak := range map[string]any{
		"text": canary, "bytes": []byte("x" + canary), "key": abmtoken.PrivateKey(pair), "PEM": pair.PrivateKeyPEM().Reveal(),
		"struct": struct{ A any }{canary}, "base64": []byte(canary),
	} {
		found := false
		for _, printed := range prints(t, leak) {
			for _, secret := range forbidden {
				found = found || strings.Contains(printed, secret)
			}
		}
		assert.True(t, found, "no printer showed the %s, although it is no secret", name)
	}
}

// What says which one it is does so, everywhere where it may.
func TestPrintingSaysWhichOneItIs(t *testing.T) {
	token, pair := canaryToken(t), vectorKey(t, "acme")
	assert.Equal(t, "server token "+token.Fingerprint()[:12]+", expires 2027-11-24T21:27:41Z", fmt.Sprint(token))
	assert.Equal(t, "key pair "+pair.ID()[:12], fmt.Sprintf("%+v", pair))
	assert.Equal(t, "[redacted] [redacted] [redacted]", fmt.Sprintf("%v %#v %d", token.AccessToken(), token.AccessToken(), token.AccessToken()))
	assert.Equal(t, "no server token", abmtoken.Token{}.String())
	assert.Equal(t, "no key pair", abmtoken.KeyPair{}.String())
}

// Neither a secret nor a placeholder is ever stored by mistake.
func TestSecretsAreNotEncoded(t *testing.T) {
	token, pair := canaryToken(t), vectorKey(t, "acme")
	for _, value := range []any{token, &token, pair, token.JSON(), []any{token}, map[string]any{"a": pair}, struct{ S abmtoken.Secret }{}} {
		_, err := json.Marshal(value)
		require.ErrorIs(t, err, abmtoken.ErrSecret, "%T", value)
	}
	for _, value := range []interface{ MarshalText() ([]byte, error) }{token, pair, token.JSON()} {
		_, err := value.MarshalText()
		require.ErrorIs(t, err, abmtoken.ErrSecret, "%T", value)
	}
	_, err := token.JSON().MarshalBinary()
	require.ErrorIs(t, err, abmtoken.ErrSecret)
	require.ErrorIs(t, gob.NewEncoder(&bytes.Buffer{}).Encode(token.JSON()), abmtoken.ErrSecret)
}

func TestSecretRevealsAndCompares(t *testing.T) {
	var zero abmtoken.Secret
	a := abmtoken.NewSecret("a")
	assert.True(t, zero.IsZero() && abmtoken.NewSecret("").IsZero() && !a.IsZero())
	assert.Equal(t, []string{"", "a"}, []string{zero.Reveal(), a.Reveal()})
	assert.True(t, a.Equal(abmtoken.NewSecret("a")) && zero.Equal(abmtoken.NewSecret("")))
	assert.False(t, a.Equal(abmtoken.NewSecret("b")) || a.Equal(abmtoken.NewSecret("aa")) || a.Equal(zero))
}

// No error carries a piece of the file, or of what was decrypted.
func TestErrorsCarryNothingOfTheFile(t *testing.T) {
	const piece = 12
	for name, v := range vectors(t) {
		opener := vectorKey(t, v.line("key", "acme"))
		_, _, err := abmtoken.Open(v.file, vectorsNow, opener)
		if err == nil {
			continue
		}
		texts := [][]byte{v.file}
		if envelope, err := abmtoken.ReadEnvelope(v.file); err == nil {
			plain, _ := envelope.Decrypt(opener)
			texts = append(texts, plain)
		}
		said := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
		for _, text := range texts {
			for start := 0; start+piece <= len(text); start++ {
				part := string(text[start : start+piece])
				if strings.Contains(said, part) && !saidAnyway(part) {
					t.Fatalf("%s: the error has %q of the file", name, part)
				}
			}
		}
	}
}

// saidAnyway are words that errors have by themselves: the names of the fields, of lines, and of kinds of files.
func saidAnyway(part string) bool {
	return strings.Contains("access_token_expiry consumer_secret access_secret BEGIN MESSAGE END MESSAGE  signed message ", part)
}

// A panic's value is printed by the runtime, past every handler.
func TestPanicsShowNoSecret(t *testing.T) {
	pair := vectorKey(t, "acme")
	if job := isChild(); job != "" {
		panic(holders(t, pair)[job])
	}
	forbidden := canaries(t, pair)
	for _, job := range []string{"Secret", "Token", "KeyPair", "*Token", "struct", "error"} {
		printed, err := child(t, job)
		require.Error(t, err, "the child was to panic")
		assert.Contains(t, printed, "panic: ")
		for _, secret := range forbidden {
			assert.NotContains(t, printed, secret, job)
		}
	}
}
