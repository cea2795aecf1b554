package appletest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func TestAccountNamesTheService(t *testing.T) {
	s := newShop(t, appletest.Options{})
	var account map[string]any
	do(t, s.connect(t), "GET", "/account", "").decode(t, &account)
	require.Equal(t, s.service.UUID(), account["server_uuid"])
	require.Equal(t, "it@acme.example", account["admin_id"])
	require.Equal(t, s.org.ID(), account["org_id"])
}
