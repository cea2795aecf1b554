package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage/bolt"
)

// told is one telling of a story.
type told struct {
	status    int
	out, errs string
}

// tell tells a story with few devices, in a folder for temporary files of its own.
func tell(ctx context.Context, s *story) told {
	var out, errs bytes.Buffer
	s.devices = fewest
	if s.w == nil {
		s.w = &out
	}
	status := s.run(ctx, &errs)
	return told{status, out.String(), errs.String()}
}

// stops is a writer that presses ctrl-C when it reads a text.
type stops struct {
	bytes.Buffer
	at    string
	press func()
}

func (s *stops) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.at)) {
		s.press()
	}
	return s.Buffer.Write(p)
}

// temporary gives the test a folder for temporary files, which has to be empty in the end.
func temporary(t *testing.T) string {
	temp := t.TempDir()
	t.Cleanup(func() {
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		assert.Empty(t, left, "it cleans up after itself")
	})
	return temp
}

// The whole story, in words that its readers may count on; told again, as far as ctrl-C lets it, it is the same.
func TestTheStory(t *testing.T) {
	t.Parallel()
	temp := temporary(t)
	got := tell(t.Context(), &story{seed: 1, temp: temp})
	t.Log("\n" + got.out)
	require.Zero(t, got.status, got.errs)
	assert.Empty(t, got.errs)
	at := 0
	for _, words := range []string{
		"a proposal only, because it loosens wipes.on",
		"migrate   Apple says that it can change its MDM without an erase",
		"hands     It is a Shared iPad",
		`"SERIAL?!" is no serial number`,
		"60 devices: ",
		"Bob approves; 1 more needed", "Cem approves; 0 more needed",
		"The device refused the wipe", "Mail to Tess: The plan paused by itself: 1 of 1 devices failed",
		"still in state wiping", "does not send it again",
		"still has not answered its wipe", "Four of five are enough",
		"withdrawn before a device took them; two hours later no other has left", "and Bob agrees",
		"so has the plan, after",
		"is erased by hand", "strike nobody",
		"A second plan", "Bob approves; 0 more needed",
		"How the devices moved", "What needs hands, and what to do next", "Shared iPad",
		"The audit is whole",
	} {
		found := strings.Index(got.out[at:], words)
		require.GreaterOrEqual(t, found, 0, "%q is told, after what comes before it", words)
		at += found
	}
	assert.NotContains(t, got.out, "\x1b[", "a file gets no movements of a cursor")
	for line := range strings.Lines(got.out) {
		assert.LessOrEqual(t, len([]rune(line)), 141, "of a line that a terminal shows whole: %s", line)
	}

	ctx, press := context.WithCancel(t.Context())
	defer press()
	again := &stops{at: "8. The next wave", press: press}
	stopped := tell(ctx, &story{seed: 1, w: again, temp: temp})
	assert.Equal(t, 130, stopped.status)
	assert.Equal(t, "migrate: stopped\n", stopped.errs)
	assert.True(t, strings.HasPrefix(got.out, again.String()), "the same seed makes the same story, not:\n%s", again)
	assert.Contains(t, again.String(), "8. The next wave")
}

// Other devices, the same end; and what is kept is a whole store that opens.
func TestAnotherSeed(t *testing.T) {
	t.Parallel()
	temp := temporary(t)
	dir := filepath.Join(t.TempDir(), "kept")
	got := tell(t.Context(), &story{seed: 2, keep: dir, temp: temp})
	require.Zero(t, got.status, got.errs)
	assert.Contains(t, got.out, "The audit is whole")
	assert.Contains(t, got.out, "abmctl --store "+filepath.Join(dir, storeFile))
	store, err := bolt.Open(filepath.Join(dir, storeFile), bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, store.Close())

	again := tell(t.Context(), &story{seed: 2, keep: dir, temp: temp})
	assert.Equal(t, 1, again.status)
	assert.Contains(t, again.errs, "name another folder")
	assert.Empty(t, again.out)
}

// On a terminal there are bars, and none of the lines in their place. Whoever breaks a rule is found out, whatever it is.
func TestBarsAndBrokenRules(t *testing.T) {
	t.Parallel()
	s := &story{seed: 3, terminal: true, temp: temporary(t)}
	var broken []string
	s.meddle = func(s *story) {
		found, err := s.broken(t.Context())
		require.NoError(t, err)
		require.Empty(t, found, "before anybody meddles")
		broken = meddling(t, s)
	}
	got := tell(t.Context(), s)
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.errs, "migrate: a rule was broken:\n")
	for _, words := range broken {
		assert.Contains(t, got.errs, words)
	}
	assert.NotContains(t, got.out, "The audit is whole")

	assert.Contains(t, got.out, "\x1b[")
	for _, g := range groups {
		assert.Regexp(t, "(?m)^  "+g.name+` +║.*║ \[\d+\]$`, plain(got.out), g.name)
	}
	assert.NotRegexp(t, `(?m)^    day \d+, .*: waiting`, plain(got.out), "bars, or lines, but not both")
}

// plain leaves the movements of the cursor out.
func plain(out string) string {
	return regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`).ReplaceAllString(out, "")
}

// meddling breaks each rule with a device of its own, and returns how that is told.
func meddling(t *testing.T, s *story) (broken []string) {
	erase := func(a *actor) { a.EraseByHand() }
	used := map[*actor]bool{}
	for _, m := range []struct {
		who  func(*actor) bool
		does func(*actor)
		told string
	}{
		{func(a *actor) bool { return a.Erases() == 1 }, erase, "was erased 2 times"},
		{func(a *actor) bool { return a.name == modern }, erase, "was erased, which its kind must not be"},
		{func(a *actor) bool { return a.outside }, erase, "was erased and is not part of the plan"},
		{func(a *actor) bool { return a.outside }, func(a *actor) { a.EnrollAt(s.new) }, "left its MDM and is not part of the plan"},
		{func(a *actor) bool { return a.reached }, func(a *actor) { a.EnrollAt(s.old) }, "could be reached and is not managed by the new MDM"},
		{func(a *actor) bool { return a.name == away }, func(a *actor) { a.EnrollAt(s.old) }, "is elsewhere than its plan says: enrolled"},
		{func(a *actor) bool { return a.name == "unsupervised" }, erase, "was erased, and nobody sent it a wipe"},
		{func(a *actor) bool { return a.name == "shared" }, func(a *actor) { a.outside = true }, "is in the plan, or not, against the customer's list"},
	} {
		i := slices.IndexFunc(s.cast, func(a *actor) bool { return !used[a] && m.who(a) })
		require.GreaterOrEqual(t, i, 0, m.told)
		used[s.cast[i]] = true
		m.does(s.cast[i])
		broken = append(broken, s.cast[i].Serial()+" "+m.told)
	}
	return broken
}
