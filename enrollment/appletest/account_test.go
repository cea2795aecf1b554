package appletest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func TestAccountSaysWhoseTheTokenIs(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{PageDefault: 1000, PageMax: 5000}})
	client := s.connect(t)
	var got map[string]any
	do(t, client, "GET", "/account", "").decode(t, &got)
	urls := got["urls"]
	delete(got, "urls")
	require.Empty(t, cmp.Diff(map[string]any{
		"server_name": "Acme MDM", "server_uuid": s.service.UUID(),
		"admin_id": "it@acme.example", "facilitator_id": "it@acme.example",
		"org_name": "Acme Inc.", "org_email": "info@acme-inc..example", "org_phone": "+1 555 0100",
		"org_address": "1 Example Street, Springfield",
		"org_id":      s.org.ID(), "org_id_hash": s.org.IDHash(), "org_type": "org", "org_version": "v2",
	}, got))

	limits := map[string]any{}
	for _, u := range urls.([]any) {
		entry := u.(map[string]any)
		if entry["limit"] != nil {
			limits[entry["uri"].(string)] = entry["limit"]
		}
		require.NotEmpty(t, entry["http_method"])
	}
	limit := map[string]any{"default": 1000.0, "maximum": 5000.0}
	require.Equal(t, map[string]any{"/server/devices": limit, "/devices/sync": limit}, limits, "only these page")
}

func TestAccountDependsOnTheProtocolVersion(t *testing.T) {
	s := newShop(t, appletest.Options{})
	client := s.connect(t)
	for version, want := range map[string]bool{"": false, "2": false, "junk": false, "3": true, "10": true} {
		client.version = version
		var got map[string]any
		do(t, client, "GET", "/account", "").decode(t, &got)
		for _, field := range []string{"org_id", "org_id_hash", "org_type", "org_version", "urls"} {
			require.Equal(t, want, got[field] != nil, "version %q: %s", version, field)
		}
		require.Equal(t, s.service.UUID(), got["server_uuid"])
	}
}

func TestAccountFollowsThePersonTheNamesAndTheOrganization(t *testing.T) {
	s := newShop(t, appletest.Options{})
	colleague := s.org.AddAdmin("colleague@acme.example")
	s.token = s.download(t, colleague)
	s.org.Rename("Acme Holding")
	require.NoError(t, s.admin.RenameService(s.service, "Devices"))
	var got map[string]any
	do(t, s.connect(t), "GET", "/account", "").decode(t, &got)
	require.Equal(t, colleague.Account(), got["admin_id"])
	require.Same(t, s.org, colleague.Organization())
	require.Equal(t, s.org.Name(), got["org_name"])
	require.Equal(t, "Acme Holding", got["org_name"])
	require.Equal(t, "Devices", got["server_name"])
	require.Equal(t, s.service.UUID(), got["server_uuid"])

	school := s.apple.AddSchool("Acme School")
	require.NotEqual(t, s.org.ID(), school.ID())
	require.NotEqual(t, s.org.IDHash(), school.IDHash())
	service, err := school.AddAdmin("it@school.example").CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	other := &shop{apple: s.apple, service: service}
	other.token = other.download(t, school.AddAdmin("head@school.example"))
	do(t, other.connect(t), "GET", "/account", "").decode(t, &got)
	require.Equal(t, "edu", got["org_type"])
	require.Same(t, school, service.Organization())
}
