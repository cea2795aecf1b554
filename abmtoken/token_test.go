package abmtoken_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

const day = 24 * time.Hour

func TestHealthFollowsTheExpiry(t *testing.T) {
	token := parsed(t, "CK_1", "AT_1", "2027-11-24T21:27:41Z")
	expiry := token.Expires()
	for before, want := range map[time.Duration]struct {
		days   int
		health abmtoken.Health
	}{
		365 * day: {365, abmtoken.HealthActive}, 30*day + 1: {30, abmtoken.HealthActive}, 30 * day: {30, abmtoken.HealthExpiring},
		30*day - 1: {29, abmtoken.HealthExpiring}, day: {1, abmtoken.HealthExpiring}, day - 1: {0, abmtoken.HealthExpiring},
		1: {0, abmtoken.HealthExpiring}, 0: {-1, abmtoken.HealthExpired}, -1: {-1, abmtoken.HealthExpired}, -day: {-1, abmtoken.HealthExpired},
		-day - 1: {-2, abmtoken.HealthExpired}, -365 * day: {-365, abmtoken.HealthExpired},
	} {
		now := expiry.Add(-before)
		assert.Equal(t, want.days, token.DaysLeft(now), "days left, %v before", before)
		assert.Equal(t, want.health, token.Health(now, 30*day), "health, %v before", before)
		assert.Equal(t, want.health == abmtoken.HealthExpired, token.Expired(now), "expired, %v before", before)
	}
}

func TestOpenRefusesExpiredTokens(t *testing.T) {
	pair := vectorKey(t, "acme")
	file := forged{pair: pair, plain: []byte(tokenText)}.der(t)
	expiry := time.Date(2027, 11, 24, 21, 27, 41, 0, time.UTC)
	_, _, err := abmtoken.Open(file, expiry.Add(-1), pair)
	require.NoError(t, err)
	token, used, err := abmtoken.Open(file, expiry, pair)
	require.ErrorIs(t, err, abmtoken.ErrExpired)
	require.ErrorContains(t, err, "on 2027-11-24")
	assert.False(t, token.IsZero() || used.IsZero(), "it is given nevertheless, to be shown")
}

// A fingerprint is of the credentials, and not of how they are written.
func TestFingerprintIsOfTheCredentials(t *testing.T) {
	token := parsed(t, "CK_1", "AT_1", "2027-11-24T21:27:41Z")
	assert.Len(t, token.Fingerprint(), 64)
	assert.Empty(t, abmtoken.Token{}.Fingerprint())
	written, err := abmtoken.ParseToken([]byte(` { "more": 1, "access_token_expiry" : "2027-11-24T22:27:41.000+01:00", "access_secret": "AS_1",
		"access_token": "A\u0054_1", "consumer_secret": "CS_1", "consumer_key": "CK_1" } `))
	require.NoError(t, err)
	assert.Equal(t, token.Fingerprint(), written.Fingerprint())
	assert.Equal(t, abmtoken.Identical, abmtoken.Compare(token, written).Relation)
	seen := map[string]string{token.Fingerprint(): "the token"}
	for _, change := range [][2]string{{"CK_1", "CK_2"}, {"CS_1", "CS_2"}, {"AT_1", "AT_2"}, {"AS_1", "AS_2"}, {":41Z", ":42Z"}, {`CK_1","consumer_secret":"CS_1`, `CK_1C","consumer_secret":"S_1`}} {
		other, err := abmtoken.ParseToken([]byte(strings.Replace(tokenText, change[0], change[1], 1)))
		require.NoError(t, err)
		assert.Empty(t, seen[other.Fingerprint()], change)
		seen[other.Fingerprint()] = change[1]
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	const future = `"future":{"a":[1.0,null,"\u00e9"],"consumer_key":"inner"}`
	token, err := abmtoken.ParseToken([]byte("{" + future + "," + tokenText[1:]))
	require.NoError(t, err)
	assert.Equal(t, "CK_1", token.ConsumerKey(), "a field of the same name deeper inside is another one")
	assert.Contains(t, token.JSON().Reveal(), future, "byte for byte")
	last, err := abmtoken.ParseToken([]byte(strings.TrimSuffix(tokenText, "}") + "," + future + "}"))
	require.NoError(t, err)
	assert.Equal(t, "CK_1", last.ConsumerKey())
	assert.True(t, json.Valid([]byte(token.JSON().Reveal())))
	again, err := abmtoken.ParseToken([]byte(token.JSON().Reveal()))
	require.NoError(t, err)
	assert.Equal(t, token.JSON().Reveal(), again.JSON().Reveal())
}

func TestTokensThatAreRefused(t *testing.T) {
	with := func(field string) string { return "{" + field + "," + tokenText[1:] }
	deep := func(n int) string { return with(`"a":` + strings.Repeat("[", n) + strings.Repeat("]", n)) }
	many := func(n int) string { return string(manyNames(n)) }
	for name, c := range map[string]struct {
		text string
		says string // empty: it is taken
	}{
		"as it is":                     {tokenText, ""},
		"nesting of 15 in the object":  {deep(15), ""},
		"nesting of 16 in the object":  {deep(16), "nested more than 16 deep"},
		"few enough names":             {many(120), ""},
		"too many names":               {many(130), "more than 256 names and values"},
		"a long one":                   {with(`"a":"` + strings.Repeat("x", 60<<10) + `"`), ""},
		"a longer one":                 {with(`"a":"` + strings.Repeat("x", 64<<10) + `"`), "longer than 65536 bytes"},
		"a field of 1024":              {strings.Replace(tokenText, "AS_1", strings.Repeat("a", 1024), 1), ""},
		"a field of 1025":              {strings.Replace(tokenText, "AS_1", strings.Repeat("a", 1025), 1), "access_secret is longer than 1024"},
		"no UTF-8":                     {with("\"a\":\"\xff\""), "not UTF-8"},
		"nothing":                      {"", "not one JSON object"},
		"blanks":                       {" \n", "not one JSON object"},
		"a text":                       {`"a"`, "not one JSON object"},
		"null":                         {"null", "not one JSON object"},
		"a comma at the end":           {strings.TrimSuffix(tokenText, "}") + ",}", "not one JSON object"},
		"a byte behind":                {tokenText + "x", "not one JSON object"},
		"a name twice":                 {with(`"access_secret":"AS_1"`), "a name comes twice"},
		"an unknown name twice":        {with(`"a":1,"a":1`), "a name comes twice"},
		"a name twice, by an escape":   {with(`"\u0061ccess_secret":"AS_1"`), "a name comes twice"},
		"a name twice, deeper inside":  {with(`"a":{"b":1,"b":2}`), "a name comes twice"},
		"one name at two depths":       {with(`"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]`), ""},
		"a delete character":           {strings.Replace(tokenText, "AS_1", `\u007f`, 1), "access_secret is not printable ASCII"},
		"a tab":                        {strings.Replace(tokenText, "AS_1", `a\tb`, 1), "access_secret is not printable ASCII"},
		"an umlaut":                    {strings.Replace(tokenText, "CK_1", "\u00fc", 1), "consumer_key is not printable ASCII"},
		"a list":                       {strings.Replace(tokenText, `"AS_1"`, `["AS_1"]`, 1), "access_secret is not a text"},
		"an object":                    {strings.Replace(tokenText, `"AS_1"`, `{"a":"AS_1"}`, 1), "access_secret is not a text"},
		"true":                         {strings.Replace(tokenText, `"AS_1"`, `true`, 1), "access_secret is not a text"},
		"the first year":               {strings.Replace(tokenText, "2027", "2010", 1), ""},
		"the year before":              {strings.Replace(tokenText, "2027", "2009", 1), "not between 2010 and 2100"},
		"the last year":                {strings.Replace(tokenText, "2027", "2099", 1), ""},
		"the year after":               {strings.Replace(tokenText, "2027", "2100", 1), "not between 2010 and 2100"},
		"a time without a zone":        {strings.Replace(tokenText, "41Z", "41", 1), "not a time in RFC 3339"},
		"a day only":                   {strings.Replace(tokenText, "T21:27:41Z", "", 1), "not a time in RFC 3339"},
		"a number for the expiry":      {strings.Replace(tokenText, `"2027-11-24T21:27:41Z"`, "1827091661", 1), "access_token_expiry is not a text"},
		"a name in another case":       {strings.Replace(tokenText, "consumer_key", "CONSUMER_KEY", 1), "consumer_key is missing or empty"},
		"a name with a blank":          {strings.Replace(tokenText, "consumer_key", "consumer_key ", 1), "consumer_key is missing or empty"},
		"quotes and slashes in a text": {strings.Replace(tokenText, "AS_1", `\"\\\/`, 1), ""},
	} {
		token, err := abmtoken.ParseToken([]byte(c.text))
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, abmtoken.ErrBadContent, name)
		assert.Contains(t, err.Error(), c.says, name)
		assert.True(t, token.IsZero(), name)
	}
}

func TestExpiryIsKeptInUTCAndToTheMicrosecond(t *testing.T) {
	token := parsed(t, "CK_1", "AT_1", "2027-11-25T06:27:41.123456789+09:00")
	assert.Equal(t, "2027-11-24 21:27:41.123456 +0000 UTC", fmt.Sprint(token.Expires()))
}

func TestStaticSourceGivesItsToken(t *testing.T) {
	token := parsed(t, "CK_1", "AT_1", "2027-11-24T21:27:41Z")
	source := abmtoken.Static(token)
	require.NoError(t, source.Answered(context.Background(), token, abmtoken.ErrRejected))
	again, err := source.Token(context.Background())
	require.NoError(t, err)
	assert.Equal(t, token.Fingerprint(), again.Fingerprint())
}

// A text that is broken is called so where it begins as a token does; of any other nothing is said.
func TestBrokenTokensAreCalledSo(t *testing.T) {
	pair := vectorKey(t, "acme")
	for plain, want := range map[string]error{
		"-----BEGIN MESSAGE-----\n{}\n-----END MESSAGE-----":       abmtoken.ErrBadContent,
		"\r\n-----BEGIN MESSAGE-----\r\n":                          abmtoken.ErrBadContent,
		"\xef\xbb\xbfContent-Type: text/plain\n\n{}":               abmtoken.ErrBadContent,
		"CONTENT-TYPE: TEXT/PLAIN\n\n{}":                           abmtoken.ErrBadContent,
		`{"consumer_key":"CK_1"}`:                                  abmtoken.ErrBadContent,
		"{ \"access_token\r\n_expiry\" : \"2027-11-24T21:27:41Z\"": abmtoken.ErrBadContent,
		`"consumer_key":"CK_1"`:                                    abmtoken.ErrDecrypt,
		`{"consumer_key"}`:                                         abmtoken.ErrDecrypt,
		`{"consumer":"CK_1"}`:                                      abmtoken.ErrDecrypt,
		"Content-Type: image/png\n\n{}":                            abmtoken.ErrDecrypt,
		"content-type: text":                                       abmtoken.ErrDecrypt,
		"x-----BEGIN MESSAGE-----\n{}":                             abmtoken.ErrDecrypt,
		"{":                                                        abmtoken.ErrDecrypt,
		" ":                                                        abmtoken.ErrDecrypt,
	} {
		_, _, err := abmtoken.Open(forged{pair: pair, plain: []byte(plain)}.der(t), keyTime, pair)
		require.ErrorIs(t, err, want, "%q", plain)
	}
}

// The lines of the portal are cut by bytes, so that a character may be in two of them.
func TestALineMayEndWithinACharacter(t *testing.T) {
	pair := vectorKey(t, "acme")
	plain := "-----BEGIN MESSAGE-----\r\n{\"more\":\"J\xc3\r\n\xbcrgen\"," + tokenText[1:] + "\r\n-----END MESSAGE-----\r\n"
	token, _, err := abmtoken.Open(forged{pair: pair, plain: []byte(plain)}.der(t), keyTime, pair)
	require.NoError(t, err)
	assert.Contains(t, token.JSON().Reveal(), `"Jürgen"`)
}
