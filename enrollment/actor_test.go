package enrollment_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
)

func TestActorIsValidWithAnIDAndAKnownKind(t *testing.T) {
	for _, kind := range []enrollment.ActorKind{enrollment.Person, enrollment.Key, enrollment.System} {
		assert.True(t, enrollment.Actor{ID: "u-7", Kind: kind}.Valid(), kind)
		assert.False(t, enrollment.Actor{Name: "Tess", Source: "192.0.2.1", Kind: kind}.Valid(), "%s without an ID", kind)
	}
	for _, kind := range []enrollment.ActorKind{"", "Person", "robot"} {
		assert.False(t, enrollment.Actor{ID: "u-7", Kind: kind}.Valid(), kind)
	}
}

// What the library does by itself never passes for a person's word.
func TestNobodyIsTheSystem(t *testing.T) {
	assert.True(t, enrollment.Nobody.Valid())
	assert.Equal(t, enrollment.System, enrollment.Nobody.Kind)
}
