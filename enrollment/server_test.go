package enrollment_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Each key may open the only living token, so none leaves the ring, and none is in it twice.
func TestAKeyStaysOnTheRing(t *testing.T) {
	s := enrollment.Server{ID: "srv_1"}.WithKey(enrollment.KeyFact{ID: "a", MadeAt: t0}).WithKey(enrollment.KeyFact{ID: "b"})
	require.Equal(t, s, s.WithKey(enrollment.KeyFact{ID: "a", Adopted: true}), "the first fact about a key stands")

	held, found := s.Key("a")
	require.True(t, found)
	require.Equal(t, t0, held.MadeAt)
	_, found = s.Key("c")
	require.False(t, found)

	after := s.Activated(enrollment.Activation{Token: enrollment.Token{Generation: 2, KeyID: "b"}})
	require.Equal(t, s.Keys, after.Keys, "a new token makes no key useless: the old file may be uploaded again")
}

// Two renewals of one snapshot do not write into each other's rings.
func TestAServerIsAValue(t *testing.T) {
	base := enrollment.Server{ID: "srv_1"}
	for _, id := range []string{"a", "b", "c"} { // so that the slice has room
		base = base.WithKey(enrollment.KeyFact{ID: id})
	}
	left, right := base.WithKey(enrollment.KeyFact{ID: "left"}), base.WithKey(enrollment.KeyFact{ID: "right"})
	require.Len(t, base.Keys, 3)
	require.Equal(t, "left", left.Keys[3].ID)
	require.Equal(t, "right", right.Keys[3].ID)
}

func TestActivationReplacesTheTokenAsAWhole(t *testing.T) {
	s := enrollment.Server{
		ID: "srv_1", Name: "Acme MDM", Renewal: "rnw_1", Admin: "tess@acme.example",
		Token: &enrollment.Token{Generation: 4, Secret: "sec_old", ConsumerKey: "CK_1"},
		Pin:   enrollment.Pin{ServerUUID: serviceUUID, Source: enrollment.PinnedByHost},
	}
	before := *s.Token
	pin := enrollment.PinTo(acme, enrollment.PinnedByPerson)
	a := enrollment.Activation{Token: enrollment.Token{Generation: 5, Secret: "sec_new", ConsumerKey: "CK_2"}, Pin: pin, Admin: "toni@acme.example"}
	got := s.Activated(a)

	require.Equal(t, int64(5), got.Generation())
	require.Equal(t, a.Token, *got.Token)
	require.Equal(t, pin, got.Pin)
	require.Equal(t, "toni@acme.example", got.Admin)
	require.Empty(t, got.Renewal, "the renewal is over")
	require.Equal(t, "Acme MDM", got.Name)
	require.Equal(t, before, *s.Token, "the snapshot before stays what it was")
	a.Token.Generation = 99
	require.Equal(t, int64(5), got.Generation(), "nor does the new one hang on the activation")
}

func TestAServerWithoutTokenHasGenerationZero(t *testing.T) {
	require.Zero(t, enrollment.Server{}.Generation())
	require.False(t, enrollment.Server{}.Retired())
	require.True(t, enrollment.Server{RetiredAt: t0}.Retired())
}

// What is not known is not written, so that a listing says nothing of it.
func TestABareServerInJSON(t *testing.T) {
	text, err := json.Marshal(enrollment.Server{ID: "srv_1", Tenant: "acme", Name: "Acme MDM", CreatedAt: t0})
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"srv_1","tenant":"acme","name":"Acme MDM","created_at":"2026-03-01T12:00:00Z"}`, string(text))
}
