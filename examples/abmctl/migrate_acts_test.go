package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An approval is for what was seen: a script names its digest, and a person at a terminal is shown the plan and types it.
func TestAnApprovalNamesWhatWasSeen(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(2)
	m.draft("--all").ok()
	digest := m.in("tess", "migrate", "submit", m.plan).ok().get("digest")
	blind := m.in("bob", "migrate", "approve", m.plan)
	assert.Equal(t, "refused", blind.fails(8).code())
	assert.Contains(t, blind.err, "--digest")

	typed := func(text string) result {
		return m.with(text, "--store", m.path("store.db"), "--actor", "bob", "migrate", "approve", m.plan)
	}
	assert.NotContains(t, typed(digest[:8]+"\n").fails(8).err, "type the first", "no terminal: nobody is asked")
	m.terminal = true
	for _, wrong := range []string{"", "\n", "yes\n", digest[1:9] + "\n", digest[:7] + "\n"} {
		got := typed(wrong).fails(8)
		assert.Contains(t, got.err, "2 devices are erased")
		assert.Contains(t, got.err, "nothing was approved")
	}
	assert.Equal(t, "awaiting_approval", m.state())
	assert.Contains(t, typed(digest[:8]+"\n").ok().out, "cooling")
	m.terminal = false
	assert.Equal(t, "refused", m.in("cleo", "migrate", "approve", m.plan, "--digest", digest).fails(8).code(), "it is approved")
}

// Threat 13: with approvers named, a plan takes a signature over its own digest, and one for another plan is none.
func TestThreat13_APlanIsApprovedBySignature(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(1)
	bob := ed25519Key(t)
	file := m.write("approvers", []byte(bob.line("bob")))
	first := m.draft("--all").ok().get("id")
	old := m.write("old.sig", bob.sign(t, m.textOf("bob", first), "abmrenew"))
	m.in("tess", "migrate", "cancel", first).ok()
	plan := m.draft("--all").ok().get("id")
	text := m.in("bob", "approval", "text", plan).ok()
	assert.Equal(t, plan, text.get("plan"))
	digest := m.in("tess", "migrate", "submit", plan).ok().get("digest")
	assert.Equal(t, digest, text.get("digest"))
	approve := func(more ...string) result {
		return m.in("bob", append([]string{"--approvers", file, "migrate", "approve", plan, "--digest", digest}, more...)...)
	}
	for _, flags := range [][]string{nil, {"--signature", old}} {
		got := approve(flags...).fails(8)
		assert.Equal(t, "refused", got.code())
		assert.Contains(t, got.err, "approval text")
		assert.Equal(t, "awaiting_approval", got.get("state"))
	}
	word := m.write("word.sig", bob.sign(t, text.get("text"), "abmrenew"))
	assert.Equal(t, "cooling", approve("--signature", word).ok().get("state"))
	m.in("bob", "approval", "text", "pln_x").fails(1)
	m.in("bob", "approval", "text", "prp_x").fails(1)
}

// Whoever runs the plan pauses, resumes and gives it up, as a whole or device by device; what cannot be says so.
func TestActsOnAPlanAndItsDevices(t *testing.T) {
	m := newMoving(t)
	m.withWipes()
	m.macs(4)
	m.pass(time.Hour)
	act := func(what string, more ...string) result {
		return m.in("tess", append([]string{"migrate", what, m.plan}, more...)...)
	}
	m.draft("--all").ok()
	for _, early := range []string{"start", "pause", "resume", "approve", "reject"} {
		assert.Contains(t, []string{"refused", "own_approval"}, act(early).fails(8).code(), early)
	}
	assert.EqualValues(t, 1, act("exclude", "mac4").ok().at("excluded", "devices"))
	act("skip", "MAC4").ok() // again changes nothing
	assert.Equal(t, "skipped", act("moves", "MAC4").ok().get("state"))
	m.approved("bob")
	assert.Equal(t, "rejected", m.in("cleo", "migrate", "reject", m.plan, "--reason", "not this week").ok().get("state"))
	assert.Contains(t, m.cli("audit", "show", m.plan).ok().out, "not this week")

	m.draft("--all").ok()
	act("exclude", "MAC4").ok()
	m.approved("bob")
	m.pass(2 * time.Hour)
	act("start").ok()
	require.NoError(t, m.to.admin.Assign(m.to.service, "MAC1", "MAC2", "MAC3"))
	paused := act("pause", "--reason", "a customer called").ok()
	assert.Equal(t, "paused", paused.get("state"))
	assert.Contains(t, paused.get("waiting_for"), "a customer called")
	m.live(6*time.Hour, nil)
	assert.Empty(t, m.wiped(), "no wipe leaves while it is paused")
	act("resume").ok()
	m.live(24*time.Hour, func() bool { return len(m.wiped()) > 0 })
	first := m.wiped()[0]
	assert.Equal(t, "not_found", act("replace", "X9").fails(1).code())
	assert.Equal(t, "not_found", act("pin", first).fails(1).code(), "it needs none")
	m.live(24*time.Hour, func() bool { return len(m.moves()["enrolled"]) == 1 })
	assert.Equal(t, "refused", act("retry", first).fails(8).code(), "there is nothing to retry")
	assert.Equal(t, "refused", act("replace", first).fails(8).code(), "it has come by")
	last := "MAC3"
	if first == last {
		last = "MAC2"
	}
	act("cancel-device", last).ok()
	assert.Equal(t, "cancelled", act("moves", last).ok().get("state"))
	act("retry", last).ok()
	assert.NotEqual(t, "cancelled", act("moves", last).ok().get("state"))

	assert.EqualValues(t, 1, m.in("tess", "migrate", "cancel-all").ok().at("cancelled"))
	m.live(30*24*time.Hour, func() bool { return m.state() == "cancelled" })
	assert.EqualValues(t, 0, m.in("tess", "migrate", "cancel-all").ok().at("cancelled"))
	assert.Equal(t, "cancelled", act("cancel").ok().get("state"), "again is no harm")
	assert.Equal(t, "refused", act("resume").fails(8).code())
	assert.Equal(t, "not_found", m.in("tess", "--tenant", "other", "migrate", "show", m.plan).fails(1).code())
	assert.Equal(t, "invalid_input", act("moves", "--state", "enroled").fails(2).code(), "a slip is no empty list")
	assert.Len(t, act("moves", "--state", "enrolled").ok().objects(), 1)
	assert.Equal(t, "not_found", act("moves", "X9").fails(1).code())
	assert.Equal(t, "not_found", act("serials", "bat_x").fails(1).code())
	assert.Equal(t, "not_found", act("recheck", "bat_x").fails(1).code())
}
