package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Threat 14: anybody throws a kill switch at once; lifting it takes a second person.
func TestThreat14_TheKillSwitchIsLiftedByTwo(t *testing.T) {
	w := newWorld(t)
	w.cli("--tenant", "acme", "server", "add", "Acme").ok()
	for _, c := range []struct {
		id    string
		flags []string
	}{{"acme", nil}, {"installation", []string{"--installation"}}} {
		as := func(name, what string, more ...string) result {
			return w.as(name, append(append([]string{"--tenant", "acme", "kill-switch", what}, more...), c.flags...)...)
		}
		assert.Equal(t, false, as("tess", "show").ok().at("thrown"))
		assert.Nil(t, as("tess", "off").ok().at("proposal"), "there is nothing to lift")
		on := as("tess", "on", "--reason", "stolen laptop").ok()
		assert.Equal(t, c.id, on.get("id"))
		assert.Equal(t, true, on.at("thrown"))
		assert.Equal(t, "stolen laptop", as("bob", "on", "--reason", "another").ok().at("reason"), "who threw it first")

		off := as("tess", "off").ok()
		assert.Equal(t, true, off.at("thrown"), "it stays")
		id := off.proposed()
		approve := func(name string) result { return w.as(name, "--tenant", "acme", "proposal", "approve", id) }
		assert.Equal(t, "own_approval", approve("tess").fails(8).code())
		assert.Equal(t, true, as("tess", "show").ok().at("thrown"))
		approve("bob").ok()
		assert.Equal(t, false, as("tess", "show").ok().at("thrown"))
	}
	text := w.cli("--tenant", "acme", "kill-switch", "show").ok().out
	assert.Contains(t, text, "The kill switch of tenant acme was lifted at")
	assert.Contains(t, text, "The kill switch of the installation was lifted at")
	assert.Contains(t, w.cli("--tenant", "acme", "kill-switch", "on", "--reason", "why not").ok().out, "is thrown since")
	assert.Contains(t, w.cli("--tenant", "acme", "kill-switch", "off").ok().out, "lift the kill switch of tenant acme")
	assert.Contains(t, w.cli("audit", "show", "installation").ok().out, "kill_switch_thrown")
}

// A slip in a name does not read as if somebody had been stopped.
func TestAKillSwitchOfNobody(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "not_found", w.cli("--json", "kill-switch", "on").fails(1).code(), "no such store")
	assert.NoFileExists(t, w.path("store.db"))
	w.cli("server", "add", "Acme").ok()
	assert.Equal(t, "not_found", w.cli("--json", "--tenant", "amce", "kill-switch", "on").fails(1).code())
	assert.Contains(t, w.cli("kill-switch", "show").ok().out, "was never thrown")
}
