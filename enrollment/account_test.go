package enrollment_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

const serviceUUID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"

var acme = enrollment.Account{
	ServerUUID: serviceUUID, ServerName: "Acme MDM", AdminID: "tess@acme.example",
	OrgID: "1234567", OrgIDHash: "aa11", OrgName: "Acme", OrgType: "org",
}

func TestPinMatches(t *testing.T) {
	pinned := enrollment.PinTo(acme, enrollment.PinnedByPerson)
	for name, c := range map[string]struct {
		pin    enrollment.Pin
		change func(*enrollment.Account)
		want   enrollment.Match
	}{
		"the same answer":                    {pinned, func(*enrollment.Account) {}, enrollment.SameIdentity},
		"no pin":                             {enrollment.Pin{}, func(*enrollment.Account) {}, enrollment.Unpinned},
		"a pin without a service is none":    {enrollment.Pin{OrgID: "7654321"}, func(*enrollment.Account) {}, enrollment.Unpinned},
		"another service":                    {pinned, func(a *enrollment.Account) { a.ServerUUID = "F" + serviceUUID[1:] }, enrollment.OtherService},
		"no service in the answer":           {pinned, func(a *enrollment.Account) { a.ServerUUID = "" }, enrollment.OtherService},
		"the service in small letters":       {pinned, func(a *enrollment.Account) { a.ServerUUID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }, enrollment.SameIdentity},
		"the service with dashes":            {pinned, func(a *enrollment.Account) { a.ServerUUID = " 0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9 " }, enrollment.SameIdentity},
		"another organization":               {pinned, func(a *enrollment.Account) { a.OrgID = "7654321" }, enrollment.OtherOrganization},
		"another organization, same hash":    {pinned, func(a *enrollment.Account) { a.OrgID = "7654321" }, enrollment.OtherOrganization},
		"the organization ID left out":       {pinned, func(a *enrollment.Account) { a.OrgID = "" }, enrollment.SameIdentity},
		"ID left out, another hash":          {pinned, func(a *enrollment.Account) { a.OrgID, a.OrgIDHash = "", "bb22" }, enrollment.OtherOrganization},
		"same ID, another hash":              {pinned, func(a *enrollment.Account) { a.OrgIDHash = "bb22" }, enrollment.SameIdentity},
		"nothing known of the organization":  {pinned, func(a *enrollment.Account) { a.OrgID, a.OrgIDHash = "", "" }, enrollment.SameIdentity},
		"the organization has a new name":    {pinned, func(a *enrollment.Account) { a.OrgName = "Acme Holding" }, enrollment.SameIdentity},
		"the service has a new name":         {pinned, func(a *enrollment.Account) { a.ServerName = "Old MDM" }, enrollment.SameIdentity},
		"another administrator downloaded":   {pinned, func(a *enrollment.Account) { a.AdminID = "toni@acme.example" }, enrollment.SameIdentity},
		"pinned by the service alone":        {enrollment.Pin{ServerUUID: serviceUUID}, func(a *enrollment.Account) { a.OrgID = "7" }, enrollment.SameIdentity},
		"pinned by the hash, other ID known": {enrollment.Pin{ServerUUID: serviceUUID, OrgIDHash: "bb22"}, func(*enrollment.Account) {}, enrollment.OtherOrganization},
		"both differ: the service counts":    {pinned, func(a *enrollment.Account) { a.ServerUUID, a.OrgID = "F"+serviceUUID[1:], "7" }, enrollment.OtherService},
	} {
		account := acme
		c.change(&account)
		assert.Equal(t, c.want, c.pin.Match(account), name)
	}
}

func TestPinOfAnAccount(t *testing.T) {
	require.Equal(t, enrollment.Pin{
		ServerUUID: serviceUUID, ServerName: "Acme MDM", OrgID: "1234567", OrgIDHash: "aa11", OrgName: "Acme",
		Source: enrollment.PinnedByHost,
	}, enrollment.PinTo(acme, enrollment.PinnedByHost))
}

func TestARefreshedPinLearns(t *testing.T) {
	bare := enrollment.Pin{ServerUUID: serviceUUID, Source: enrollment.PinnedByHost}
	require.Equal(t, enrollment.PinTo(acme, enrollment.PinnedByHost), bare.Refreshed(acme), "the word that it rests on stays the host's")

	renamed := acme
	renamed.ServerName, renamed.OrgName = "Acme MDM 2", "Acme Holding"
	got := enrollment.PinTo(acme, enrollment.PinnedByPerson).Refreshed(renamed)
	require.Equal(t, [2]string{"Acme MDM 2", "Acme Holding"}, [2]string{got.ServerName, got.OrgName})
}

// Whatever Apple leaves out of an answer about the same identity, every later answer is judged at least as strictly.
func TestARefreshedPinIsNeverWeaker(t *testing.T) {
	some := rapid.SampledFrom([]string{"", "x", "y"})
	accounts := rapid.Custom(func(t *rapid.T) enrollment.Account {
		return enrollment.Account{
			ServerUUID: rapid.SampledFrom([]string{serviceUUID, "F" + serviceUUID[1:]}).Draw(t, "service"),
			OrgID:      some.Draw(t, "org"), OrgIDHash: some.Draw(t, "hash"), OrgName: some.Draw(t, "name"), ServerName: some.Draw(t, "server"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		pin := enrollment.PinTo(accounts.Draw(t, "pinned"), enrollment.PinnedByApple)
		same := accounts.Filter(func(a enrollment.Account) bool { return pin.Match(a) == enrollment.SameIdentity }).Draw(t, "same")
		fresh := pin.Refreshed(same)
		require.Equal(t, enrollment.SameIdentity, fresh.Match(same))
		require.Equal(t, pin.Source, fresh.Source)
		for _, field := range [][2]string{
			{pin.OrgID, fresh.OrgID}, {pin.OrgIDHash, fresh.OrgIDHash}, {pin.OrgName, fresh.OrgName}, {pin.ServerName, fresh.ServerName},
		} {
			require.False(t, field[0] != "" && field[1] == "", "forgot %q", field[0])
		}
		other := accounts.Draw(t, "other")
		if pin.Match(other) == enrollment.OtherService {
			require.Equal(t, enrollment.OtherService, fresh.Match(other))
		}
		if pin.OrgID != "" && other.OrgID != "" && pin.Match(other) == enrollment.OtherOrganization {
			require.Equal(t, enrollment.OtherOrganization, fresh.Match(other))
		}
	})
}
