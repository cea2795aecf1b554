package appletest_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

const (
	tokenURL = "https://account.apple.com/auth/oauth2/v2/token"
	apiURL   = "https://api-business.apple.com/v1"
)

// assertion is a client assertion of an account, with what a test changes about it.
func assertion(t *testing.T, a appletest.APIAccount, now time.Time, change func(header, claims map[string]any)) string {
	t.Helper()
	header := map[string]any{"alg": "ES256", "kid": a.KeyID}
	claims := map[string]any{
		"iss": a.ClientID, "sub": a.ClientID, "aud": tokenURL, "iat": now.Unix(), "exp": now.Add(180 * 24 * time.Hour).Unix(), "jti": rand.Text(),
	}
	if change != nil {
		change(header, claims)
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(header) + "." + part(claims)
	block, _ := pem.Decode(a.PrivateKey)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// askToken posts an assertion, and returns the token or the error's word.
func askToken(t *testing.T, apple *appletest.Apple, clientID, scope, assertion string) (token, refused string) {
	t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	status, body := send(t, apple, r)
	require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	assert.Equal(t, answer.Error == "", status == http.StatusOK)
	return answer.Token, answer.Error
}

func send(t *testing.T, apple *appletest.Apple, r *http.Request) (status int, body []byte) {
	t.Helper()
	res, err := apple.Transport().RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // a test
	body, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, body
}

func call(t *testing.T, apple *appletest.Apple, method, to, token, body string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Accept", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return send(t, apple, r)
}

func TestATokenIsGivenForAProofOnly(t *testing.T) {
	apple := appletest.New(appletest.Options{})
	org := apple.AddOrganization("Acme Inc.")
	account, err := org.AddAdmin("it@acme.example").CreateAPIAccount()
	require.NoError(t, err)
	other, err := org.AddAdmin("it2@acme.example").CreateAPIAccount()
	require.NoError(t, err)
	now := apple.Now()
	good := assertion(t, account, now, nil)
	token, refused := askToken(t, apple, account.ClientID, "business.api", good)
	require.Empty(t, refused)
	status, _ := call(t, apple, "GET", apiURL+"/orgDevices", token, "")
	assert.Equal(t, 200, status)

	claim := func(name string, value any) string {
		return assertion(t, account, now, func(_, claims map[string]any) { claims[name] = value })
	}
	head := func(name string, value any) string {
		return assertion(t, account, now, func(header, _ map[string]any) { header[name] = value })
	}
	forged := assertion(t, other, now, func(header, claims map[string]any) {
		header["kid"], claims["iss"], claims["sub"] = account.KeyID, account.ClientID, account.ClientID
	})
	for name, bad := range map[string]string{
		"one that was used": good, "another's signature": forged, "another algorithm": head("alg", "none"), "another key": head("kid", other.KeyID),
		"another issuer": claim("iss", other.ClientID), "another subject": claim("sub", other.ClientID),
		"another audience": claim("aud", "https://account.apple.com/auth/oauth2/token"), "one that has ended": claim("exp", now.Add(-time.Second).Unix()),
		"more than 180 days": claim("exp", now.Add(181*24*time.Hour).Unix()), "of tomorrow": claim("iat", now.Add(24*time.Hour).Unix()),
		"no ID": claim("jti", ""), "no signature": good[:strings.LastIndex(good, ".")+1], "nothing": "",
	} {
		_, refused := askToken(t, apple, account.ClientID, "business.api", bad)
		assert.Equal(t, "invalid_client", refused, name)
	}
	_, refused = askToken(t, apple, account.ClientID, "school.api", assertion(t, account, now, nil))
	assert.Equal(t, "invalid_scope", refused)
}

func TestWhoMayMakeAPIAccounts(t *testing.T) {
	apple := appletest.New(appletest.Options{})
	org, school := apple.AddOrganization("Acme Inc."), apple.AddSchool("Acme College")
	_, err := org.AddAdmin("dem@acme.example", appletest.DeviceEnrollmentManager).CreateAPIAccount()
	require.ErrorIs(t, err, appletest.ErrRole)
	_, err = org.AddAdmin("staff@acme.example", appletest.Staff).CreateAPIAccount()
	require.ErrorIs(t, err, appletest.ErrRole)
	account, err := school.AddAdmin("site@acme.example", appletest.SiteManager).CreateAPIAccount()
	require.NoError(t, err)
	assert.Contains(t, account.ClientID, "SCHOOLAPI.")
	admin := org.AddAdmin("it@acme.example")
	for range 50 {
		_, err = admin.CreateAPIAccount()
		require.NoError(t, err)
	}
	_, err = admin.CreateAPIAccount()
	require.ErrorIs(t, err, appletest.ErrTooManyAPIAccounts)
}

func TestWhatTheAPIRefuses(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	apple := appletest.New(appletest.Options{Now: func() time.Time { return now }})
	org, stranger := apple.AddOrganization("Acme Inc."), apple.AddOrganization("Other Inc.")
	admin := org.AddAdmin("it@acme.example")
	theirs, err := stranger.AddAdmin("it@other.example").CreateService("Other MDM", pair().pem())
	require.NoError(t, err)
	account, err := admin.CreateAPIAccount()
	require.NoError(t, err)
	token, _ := askToken(t, apple, account.ClientID, "business.api", assertion(t, account, now, nil))
	mine, err := admin.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	org.AddDevices(appletest.Device{Serial: "A"}, appletest.Device{Serial: "B"}, appletest.Device{Serial: "C"})
	activity := func(kind, server, deadline string) string {
		return fmt.Sprintf(`{"data":{"type":"orgDeviceActivities","attributes":{"activityType":%q,"activityTypeMetadata":{"mdmMigrationDeadlineDateTime":%q}},
			"relationships":{"mdmServer":{"data":{"type":"mdmServers","id":%q}},"devices":{"data":[{"type":"orgDevices","id":"A"}]}}}}`, kind, deadline, server)
	}
	for _, c := range []struct {
		name, method, to, token, body string
		want                          int
	}{
		{"no token", "GET", apiURL + "/orgDevices", "", "", 401},
		{"an invented one", "GET", apiURL + "/orgDevices", "x", "", 401},
		{"the school's address", "GET", "https://api-school.apple.com/v1/orgDevices", token, "", 401},
		{"another path", "GET", apiURL + "/nothing", token, "", 404},
		{"a page too large", "GET", apiURL + "/orgDevices?limit=1001", token, "", 400},
		{"an invented cursor", "GET", apiURL + "/orgDevices?cursor=x", token, "", 400},
		{"another's service", "GET", apiURL + "/mdmServers/" + theirs.UUID(), token, "", 404},
		{"assigning to another's service", "POST", apiURL + "/orgDeviceActivities", token, activity("ASSIGN_DEVICES", theirs.UUID(), ""), 409},
		{"a deadline too far", "POST", apiURL + "/orgDeviceActivities", token,
			activity("ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE", mine.UUID(), now.AddDate(0, 0, 91).Format(time.RFC3339)), 409},
		{"releasing devices", "POST", apiURL + "/orgDeviceActivities", token, activity("RELEASE_DEVICES", "", ""), 422},
		{"no JSON", "POST", apiURL + "/orgDeviceActivities", token, "x", 400},
		{"a service without certificate", "POST", apiURL + "/mdmServers", token, `{"data":{"type":"mdmServers","attributes":{"serverName":"N"}}}`, 409},
		{"a name that is taken", "PATCH", apiURL + "/mdmServers/" + mine.UUID(), token,
			`{"data":{"type":"mdmServers","id":"` + mine.UUID() + `","attributes":{"serverName":"Unassigned"}}}`, 409},
		{"deleting a service", "DELETE", apiURL + "/mdmServers/" + mine.UUID(), token, "", 404},
	} {
		status, body := call(t, apple, c.method, c.to, c.token, c.body)
		assert.Equal(t, c.want, status, "%s: %s", c.name, body)
		assert.Contains(t, string(body), `"errors"`, c.name)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, apiURL+"/orgDevices", nil)
	require.NoError(t, err)
	status, _ := send(t, apple, r)
	assert.Equal(t, 406, status, "without Accept")
	status, _ = call(t, apple, "GET", "https://mdmenrollment.apple.com/v1/orgDevices", token, "")
	assert.Equal(t, 404, status, "each host has its own paths")
	now = now.Add(time.Hour)
	status, _ = call(t, apple, "GET", apiURL+"/orgDevices", token, "")
	assert.Equal(t, 401, status, "an hour later")
}

// A log is read by who has its address, and by nobody who brings a token.
func TestTheHostOfLogsTakesNoToken(t *testing.T) {
	apple := appletest.New(appletest.Options{})
	org := apple.AddOrganization("Acme Inc.")
	admin := org.AddAdmin("it@acme.example")
	mine, err := admin.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	account, err := admin.CreateAPIAccount()
	require.NoError(t, err)
	token, _ := askToken(t, apple, account.ClientID, "business.api", assertion(t, account, apple.Now(), nil))
	org.AddDevices(appletest.Device{Serial: "A"})
	_, body := call(t, apple, "POST", apiURL+"/orgDeviceActivities", token, `{"data":{"type":"orgDeviceActivities","attributes":{"activityType":"ASSIGN_DEVICES"},
		"relationships":{"mdmServer":{"data":{"type":"mdmServers","id":"`+mine.UUID()+`"}},"devices":{"data":[{"type":"orgDevices","id":"A"}]}}}}`)
	var answer struct {
		Data struct {
			ID         string
			Attributes struct{ DownloadURL string }
		}
	}
	require.NoError(t, json.Unmarshal(body, &answer))
	_, body = call(t, apple, "GET", apiURL+"/orgDeviceActivities/"+answer.Data.ID, token, "")
	require.NoError(t, json.Unmarshal(body, &answer))
	require.NotEmpty(t, answer.Data.Attributes.DownloadURL)
	status, log := call(t, apple, "GET", answer.Data.Attributes.DownloadURL, "", "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "Serial Number,Status,Error\nA,SUCCESS,\n", string(log))
	status, _ = call(t, apple, "GET", answer.Data.Attributes.DownloadURL, token, "")
	assert.Equal(t, 400, status)
	status, _ = call(t, apple, "GET", answer.Data.Attributes.DownloadURL+"x", "", "")
	assert.Equal(t, 403, status, "the signature counts")
	assert.Equal(t, mine, org.AssignedTo("A"))
}
