package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// as runs a command under another person's name.
func (w *world) as(name string, args ...string) result {
	w.t.Helper()
	return w.cli(append([]string{"--json", "--actor", name}, args...)...)
}

// proposed is the ID of the proposal that a command made.
func (r result) proposed() string {
	r.t.Helper()
	proposal, ok := r.ok().object()["proposal"].(map[string]any)
	require.True(r.t, ok, "no proposal in %s", r.out)
	return proposal["id"].(string)
}

func (r result) at(names ...string) any {
	r.t.Helper()
	var value any = r.object()
	for _, name := range names {
		fields, ok := value.(map[string]any)
		require.True(r.t, ok, "%s: no object around %q in %s", r.line, name, r.out)
		value = fields[name]
	}
	return value
}

// Threat 13: one person alone neither turns wipes on nor loosens a rule about them; tightening takes nobody else.
func TestThreat13_LooserRulesTakeASecondPerson(t *testing.T) {
	w := newWorld(t)
	set := w.as("tess", "policy", "set", "--installation", "--wipes", "on", "--wipe-budget", "20/20m,100/24h").ok()
	assert.Equal(t, "installation", set.get("id"))
	assert.Equal(t, false, set.at("wipes", "on"), "nothing has changed yet")
	assert.ElementsMatch(t, []any{"wipes: on, now off", "wipe-budget: 20/20m,100/1d, now 10/20m,100/1d"}, set.at("proposal", "changes"))
	id := set.proposed()

	assert.Equal(t, "own_approval", w.as("tess", "proposal", "approve", id).fails(8).code())
	assert.Equal(t, "open", w.as("tess", "proposal", "list").objects()[0]["state"])
	assert.Equal(t, "approved_otherwise", w.as("bob", "proposal", "approve", id, "--digest", "0123").fails(8).code())
	assert.Equal(t, "approved", w.as("bob", "proposal", "approve", id).ok().get("state"))
	assert.Equal(t, true, w.as("tess", "policy", "show").ok().at("wipes", "on"), "for its tenants, too")
	assert.Equal(t, "20/20m,100/1d", w.as("tess", "policy", "show").at("wipes", "budget"))

	tight := w.as("tess", "policy", "set", "--wipe-budget", "1/1h", "--cooling", "2h").ok()
	assert.Nil(t, tight.at("proposal"))
	assert.Equal(t, "1/1h", tight.at("wipes", "budget"))
	w.as("tess", "policy", "set", "--wipe-budget", "2/1h").proposed()
	assert.Equal(t, "1/1h", w.as("tess", "policy", "show").at("wipes", "budget"))
	assert.Contains(t, w.cli("audit", "show", "installation").ok().out, "proposed")
}

// Every rule has its flag, and is shown as it was set.
func TestEveryRuleIsSetAndShown(t *testing.T) {
	w := newWorld(t)
	rules := []struct {
		flag, value string
		want        any
		at          []string
	}{
		{"reminders", "50,20", []any{50.0, 20.0}, []string{"reminders"}},
		{"expiring-within", "31d", "31d", []string{"expiring_within"}},
		{"probe-every", "2d", "2d", []string{"probe_every"}},
		{"recheck-every", "2h", "2h", []string{"recheck_every"}},
		{"unreachable-after", "4d", "4d", []string{"unreachable_after"}},
		{"upload-within", "29d", "29d", []string{"upload_within"}},
		{"remind-waiting", "5d", "5d", []string{"remind_waiting"}},
		{"fresh-for", "16m", "16m", []string{"fresh_for"}},
		{"uploads-per-minute", "33", 33.0, []string{"uploads_per_minute"}},
		{"require-apple-issuer", "on", true, []string{"require_apple_issuer"}},
		{"migration-deadline", "40d", "40d", []string{"migration_deadline"}},
		{"migration-grace", "6d", "6d", []string{"migration_grace"}},
		{"posts-per-hour", "11", 11.0, []string{"posts_per_hour"}},
		{"assign-within", "12d", "12d", []string{"assign_within"}},
		{"enroll-within", "13d", "13d", []string{"enroll_within"}},
		{"wipe-fresh-for", "9m", "9m", []string{"wipe_fresh_for"}},
		{"wipe-answer-within", "8d", "8d", []string{"wipe_answer_within"}},
		{"wipes", "on", true, []string{"wipes", "on"}},
		{"wipe-budget", "11/21m,101/25h", "11/21m,101/25h", []string{"wipes", "budget"}},
		{"installation-budget", "12/22m,102/26h", "12/22m,102/26h", []string{"wipes", "installation_budget"}},
		{"cooling", "30m", "30m", []string{"wipes", "cooling"}},
		{"approvals", "3", 3.0, []string{"wipes", "approvals"}},
		{"alone-plan", "26", 26.0, []string{"wipes", "alone_plan"}},
		{"approve-within", "27h", "27h", []string{"wipes", "approve_within"}},
		{"approved-for", "15d", "15d", []string{"wipes", "approved_for"}},
		{"waves", "2,6,26", []any{2.0, 6.0, 26.0}, []string{"wipes", "waves"}},
		{"wave-share", "6", 6.0, []string{"wipes", "wave_share"}},
		{"wave-enough", "79", 79.0, []string{"wipes", "wave_enough"}},
		{"failure-ratio", "21", 21.0, []string{"wipes", "failure_ratio"}},
	}
	args := []string{"policy", "set", "--installation"}
	for _, r := range rules {
		args = append(args, "--"+r.flag, r.value)
	}
	id := w.as("tess", args...).proposed()
	listed := w.cli("proposal", "list").ok().out
	assert.Equal(t, "open", w.as("bob", "proposal", "approve", id).ok().get("state"), "a rule about approvals takes two others")
	assert.Equal(t, "approved", w.as("cleo", "proposal", "approve", id).ok().get("state"))
	shown, plain := w.as("tess", "policy", "show", "--installation").ok(), w.cli("policy", "show", "--installation").ok().out
	for _, r := range rules {
		assert.Equal(t, r.want, shown.at(r.at...), r.flag)
		assert.Contains(t, plain, "  "+r.flag+" ", "under the name of its flag")
		assert.Contains(t, listed, r.flag+": ", "the proposal says what it changes")
	}
}

// What cannot be a rule is none, and is written nowhere.
func TestRulesAboutWipesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.cli("policy", "set", "--cooling", "2h").ok()
	for _, args := range [][]string{
		{"--wipe-budget", "0/20m"}, {"--installation", "--installation-budget", "0/20m"}, {"--wipe-budget", "10"}, {"--wipe-budget", ""}, {"--wipe-budget", "10/1s"},
		{"--wipe-budget", "x/1h"}, {"--wipe-budget", "-1/1h"}, {"--wipe-budget", "1/1h,"}, {"--approvals", "0"}, {"--waves", "5,1"}, {"--waves", "0"},
		{"--cooling", "25h"}, {"--wave-share", "101"}, {"--failure-ratio", "0"}, {"--posts-per-hour", "0"}, {"--wipes", "perhaps"}, {"--wipe-fresh-for", "2h"},
	} {
		got := w.cli(append([]string{"--json", "policy", "set"}, args...)...).fails(2)
		assert.Equal(t, "invalid_input", got.code(), "%v", args)
	}
	assert.Contains(t, w.cli("policy", "set", "--wipe-budget", "0/20m").fails(2).err, "turn wipes off", "what to do instead")
	assert.Empty(t, w.as("tess", "proposal", "list").objects())
}

// A proposal is withdrawn, lapses, and falls when what it was to change has changed.
func TestProposalsEnd(t *testing.T) {
	w := newWorld(t)
	propose := func(flag, value string) string { return w.as("tess", "policy", "set", flag, value).proposed() }
	withdrawn := propose("--cooling", "30m")
	rejected := w.as("tess", "proposal", "reject", withdrawn, "--reason", "a slip").ok()
	assert.Equal(t, "rejected", rejected.get("state"))
	assert.Equal(t, "default", rejected.get("tenant"))
	w.as("bob", "proposal", "approve", withdrawn).fails(8)

	overtaken, wins := propose("--cooling", "20m"), propose("--cooling", "10m")
	w.as("bob", "proposal", "approve", wins).ok()
	got := w.as("bob", "proposal", "approve", overtaken)
	assert.Equal(t, 8, got.status, "%s", got.err)
	assert.Equal(t, "10m", w.as("tess", "policy", "show").at("wipes", "cooling"))

	old := propose("--cooling", "5m")
	w.pass(25 * time.Hour)
	w.cli("run", "--once").ok()
	w.as("bob", "proposal", "approve", old).fails(8)
	states := map[any]int{}
	for _, p := range w.as("tess", "proposal", "list").ok().objects() {
		states[p["state"]]++
	}
	assert.Equal(t, map[any]int{"rejected": 1, "approved": 1, "overtaken": 1, "expired": 1}, states)
	assert.Equal(t, "not_found", w.as("bob", "proposal", "approve", "prp_nobody").fails(1).code())
	assert.Equal(t, "not_found", w.as("bob", "--tenant", "other", "proposal", "reject", old).fails(1).code(), "of another tenant")
}

// A tenant gets the installation's rules back; where those are looser, once somebody else has approved that.
func TestATenantInheritsItsRulesAgain(t *testing.T) {
	w := newWorld(t)
	w.as("tess", "policy", "set", "--cooling", "2h", "--probe-every", "2d").ok()
	id := w.as("tess", "policy", "inherit").proposed()
	assert.Equal(t, "2d", w.as("tess", "policy", "show").at("probe_every"))
	w.as("bob", "proposal", "approve", id).ok()
	back := w.as("tess", "policy", "inherit").ok()
	assert.Nil(t, back.at("proposal"))
	assert.Equal(t, "1d", back.at("probe_every"))
	w.as("tess", "policy", "set", "--installation", "--probe-every", "3d").ok()
	assert.Equal(t, "3d", w.as("tess", "policy", "show").at("probe_every"))
}
