package axm_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// seen is a request as it left.
type seen struct {
	url    string
	header http.Header
	body   string
}

// Each row is a fact of Apple's documents that this package stands on, with the document and its date. A row that fails means
// that either the code or the fact has changed.
func TestAppleDocs(t *testing.T) {
	w := newWorld(t, appletest.API{})
	serials := w.devices(t, 1)
	var requests []seen
	c := w.client(t, axm.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		s := seen{url: r.Method + " " + r.URL.String(), header: r.Header.Clone()}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			s.body = string(body)
			r.Body = io.NopCloser(strings.NewReader(s.body))
		}
		requests = append(requests, s)
		return w.apple.Transport().RoundTrip(r)
	})})
	last := func() seen { return requests[len(requests)-1] }
	deadline := time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)
	activity := func(kind, server, metadata string) string {
		if server != "" {
			server = `"mdmServer":{"data":{"type":"mdmServers","id":"` + server + `"}},`
		}
		if metadata != "" {
			metadata = `,"activityTypeMetadata":{"mdmMigrationDeadlineDateTime":"` + metadata + `"}`
		}
		return `{"data":{"type":"orgDeviceActivities","attributes":{"activityType":"` + kind + `"` + metadata + `},"relationships":{` + server +
			`"devices":{"data":[{"type":"orgDevices","id":"` + serials[0] + `"}]}}}}`
	}
	require.NoError(t, ask(t.Context(), c))
	token := requests[0]
	form, err := url.ParseQuery(token.body)
	require.NoError(t, err)
	part := func(i int) (out map[string]any) {
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(form.Get("client_assertion"), ".")[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &out))
		return out
	}
	for _, fact := range []struct {
		document, date, says string
		holds                func(t *testing.T)
	}{
		{"Implementing OAuth for the API", "2025-07", "the token endpoint, its form and the scope", func(t *testing.T) {
			assert.Equal(t, "POST https://account.apple.com/auth/oauth2/v2/token", token.url)
			assert.Equal(t, "application/x-www-form-urlencoded", token.header.Get("Content-Type"))
			assert.Equal(t, "client_credentials", form.Get("grant_type"))
			assert.Equal(t, w.account.ClientID, form.Get("client_id"))
			assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form.Get("client_assertion_type"))
			assert.Equal(t, "business.api", form.Get("scope"))
		}},
		{"Implementing OAuth for the API", "2025-07", "an assertion is ES256, names its key and account, is for the v2 address, for at most 180 days", func(t *testing.T) {
			assert.Equal(t, map[string]any{"alg": "ES256", "kid": w.account.KeyID, "typ": "JWT"}, part(0))
			claims := part(1)
			assert.Equal(t, w.account.ClientID, claims["iss"])
			assert.Equal(t, w.account.ClientID, claims["sub"])
			assert.Equal(t, "https://account.apple.com/auth/oauth2/v2/token", claims["aud"])
			life := time.Duration(claims["exp"].(float64)-claims["iat"].(float64)) * time.Second
			assert.Equal(t, 15*time.Minute, life)
			assert.NotEmpty(t, claims["jti"])
		}},
		{"Get MDM servers", "2025-07", "GET /v1/mdmServers at api-business.apple.com, at most 1000 a page, with the bearer token", func(t *testing.T) {
			require.NoError(t, ask(t.Context(), c))
			assert.Equal(t, "GET https://api-business.apple.com/v1/mdmServers?limit=1000", last().url)
			assert.Contains(t, last().header.Get("Authorization"), "Bearer ")
			assert.Equal(t, "application/json", last().header.Get("Accept"))
			assert.Equal(t, axm.DefaultUserAgent, last().header.Get("User-Agent"))
		}},
		{"Get the assigned server of a device", "2025-07", "GET /v1/orgDevices/{id}/relationships/assignedServer", func(t *testing.T) {
			require.NoError(t, only(c.AssignedServer(t.Context(), serials[0])))
			assert.Equal(t, "GET https://api-business.apple.com/v1/orgDevices/"+serials[0]+"/relationships/assignedServer", last().url)
		}},
		{"Get the device serial numbers of an MDM server", "2025-07", "GET /v1/mdmServers/{id}/relationships/devices", func(t *testing.T) {
			require.NoError(t, only(all(c.ServerSerials(t.Context(), w.to.UUID()))))
			assert.Equal(t, "GET https://api-business.apple.com/v1/mdmServers/"+w.to.UUID()+"/relationships/devices?limit=1000", last().url)
		}},
		{"OrgDeviceActivityCreateRequest", "2025-07", "ASSIGN_DEVICES names a server", func(t *testing.T) {
			require.NoError(t, only(c.Assign(t.Context(), w.to.UUID(), serials...)))
			assert.Equal(t, "POST https://api-business.apple.com/v1/orgDeviceActivities", last().url)
			assert.JSONEq(t, activity("ASSIGN_DEVICES", w.to.UUID(), ""), last().body)
		}},
		{"OrgDeviceActivityCreateRequest", "2025-07", "UNASSIGN_DEVICES names a server", func(t *testing.T) {
			require.NoError(t, only(c.Unassign(t.Context(), w.to.UUID(), serials...)))
			assert.JSONEq(t, activity("UNASSIGN_DEVICES", w.to.UUID(), ""), last().body)
		}},
		{"Apple Business API 2.3", "2026-08", "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE names a server and a deadline", func(t *testing.T) {
			require.NoError(t, only(c.AssignWithDeadline(t.Context(), w.to.UUID(), deadline, serials...)))
			assert.JSONEq(t, activity("ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE", w.to.UUID(), "2026-12-24T12:00:00Z"), last().body)
		}},
		{"Apple Business API 2.3", "2026-08", "UPDATE_MDM_MIGRATION_DEADLINE names a deadline only", func(t *testing.T) {
			require.NoError(t, only(c.UpdateDeadline(t.Context(), deadline, serials...)))
			assert.JSONEq(t, activity("UPDATE_MDM_MIGRATION_DEADLINE", "", "2026-12-24T12:00:00Z"), last().body)
		}},
		{"Apple Business API 2.3", "2026-08", "CANCEL_MDM_MIGRATION names devices only", func(t *testing.T) {
			require.NoError(t, only(c.CancelMigration(t.Context(), serials...)))
			assert.JSONEq(t, activity("CANCEL_MDM_MIGRATION", "", ""), last().body)
		}},
		{"Apple Business API 2.1", "2026-06", "POST /v1/mdmServers with serverName and serverCertificate{name,data}", func(t *testing.T) {
			require.NoError(t, only(c.CreateServer(t.Context(), "N", w.keys.CertificatePEM())))
			data := base64.StdEncoding.EncodeToString(w.keys.CertificatePEM())
			assert.JSONEq(t, `{"data":{"type":"mdmServers","attributes":{"serverName":"N","serverCertificate":{"name":"certificate.pem","data":"`+data+`"}}}}`, last().body)
		}},
		{"Apple Business API 2.1", "2026-06", "PATCH /v1/mdmServers/{id}", func(t *testing.T) {
			require.NoError(t, only(c.ReplaceCertificate(t.Context(), w.to.UUID(), w.keys.CertificatePEM())))
			assert.Equal(t, "PATCH https://api-business.apple.com/v1/mdmServers/"+w.to.UUID(), last().url)
			assert.NotContains(t, last().body, "serverName", "the name stays")
		}},
	} {
		t.Run(fact.document+" "+fact.date+": "+fact.says, fact.holds)
	}
}
