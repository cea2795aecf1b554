package dep_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func TestEveryDocumentedFieldOfAnAccountIsRead(t *testing.T) {
	c := answering(t, text(200, `{"server_name":"Acme MDM","server_uuid":"677CAB70FE18FDC0CE3C1C8C2F7F6C61","admin_id":"it@acme.example",
		"facilitator_id":"old@acme.example","org_name":"Acme","org_email":"a@b","org_phone":"1","org_address":"2","org_id":"3",
		"org_id_hash":"4f","org_type":"org","org_version":"v2","new":{"a":1},
		"urls":[{"uri":"/devices/sync","http_method":["POST"],"limit":{"default":100,"maximum":1000}},{"uri":"/account","http_method":["GET"]}]}`), dep.Options{})
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	assert.Equal(t, dep.Account{
		ServerName: "Acme MDM", ServerUUID: "677CAB70FE18FDC0CE3C1C8C2F7F6C61", AdminID: "it@acme.example", OrgName: "Acme",
		OrgEmail: "a@b", OrgPhone: "1", OrgAddress: "2", OrgID: "3", OrgIDHash: "4f", OrgType: "org", OrgVersion: "v2",
		Limits: map[string]dep.Limit{"/devices/sync": {Default: 100, Maximum: 1000}},
	}, account)
}

// admin_id was called facilitator_id before.
func TestThePersonOfAnOlderAnswer(t *testing.T) {
	account, err := answering(t, text(200, `{"facilitator_id":"old@acme.example"}`), dep.Options{}).Account(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "old@acme.example", account.AdminID)
}

// What an answer calls a URL of the service is compared with what is known, and never called.
func TestThreat09_URLsOfAnAccountAreNotFollowed(t *testing.T) {
	c := answering(t, text(200, `{"server_uuid":"U","urls":[{"uri":"http://169.254.169.254/server/devices","limit":{"maximum":7}},
		{"uri":"//evil.example/devices/sync","limit":{"maximum":7}},{"uri":"/server/devices/../../x","limit":{"maximum":7}},{"limit":{"maximum":7}}]}`), dep.Options{})
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	assert.Empty(t, account.Limits)
}

func TestAnAccountIsFitForAScreenAndBounded(t *testing.T) {
	c := answering(t, text(200, `{"server_uuid":"a b","org_id":"\n","org_id_hash":"\u202e","org_name":"A\u0000\u001b[2J\nB","server_name":"`+
		strings.Repeat("ü", 5000)+`"}`), dep.Options{})
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "A  [2J B", account.OrgName)
	assert.LessOrEqual(t, len(account.ServerName), 1024+len("…"))
	assert.Empty(t, account.ServerUUID+account.OrgID+account.OrgIDHash, "what cannot be an identifier is none")
}

// Without a service nobody can tell whose token it is.
func TestAVerifierNeedsTheServicesUUID(t *testing.T) {
	for _, uuid := range []string{`""`, `null`, `7`, `"a b"`, `"\u0000"`} {
		err := ask(t, text(200, `{"auth_session_token":"s","server_uuid":`+uuid+`}`))
		require.ErrorIs(t, err, dep.ErrAnswer, uuid)
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
	}
	require.NoError(t, ask(t, text(200, `{"auth_session_token":"s","server_uuid":"U"}`)))
}
