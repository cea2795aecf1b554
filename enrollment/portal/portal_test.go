package portal_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/portal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// every calls f with the guide of each product, generation and task.
func every(t *testing.T, o portal.Options, f func(t *testing.T, g portal.Guide)) {
	t.Helper()
	for _, product := range portal.Products() {
		for _, generation := range portal.Generations() {
			for _, task := range portal.Tasks() {
				if task == portal.Push && (product != portal.Business || generation != portal.Newest) {
					continue // that portal has one look
				}
				t.Run(fmt.Sprintf("%s_%s_%s", product, generation, task), func(t *testing.T) {
					o.Product, o.Generation = product, generation
					g, err := portal.Steps(task, o)
					require.NoError(t, err)
					f(t, g)
				})
			}
		}
	}
}

// everyToken does so for the tasks whose end is a server token.
func everyToken(t *testing.T, o portal.Options, f func(t *testing.T, g portal.Guide)) {
	t.Helper()
	every(t, o, func(t *testing.T, g portal.Guide) {
		if g.Task == portal.Renew || g.Task == portal.Add {
			f(t, g)
		}
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run with -update if the change is meant")
}

func fileName(g portal.Guide) string {
	if g.Task == portal.Push {
		return "push.txt"
	}
	return fmt.Sprintf("%s_%s_%s.txt", g.Product, g.Generation, g.Task)
}

// Portals change; what the guides say is therefore data with a generation, and a change of it is seen in review.
func TestPain41_EveryGenerationHasItsOwnGuide(t *testing.T) {
	o := portal.Options{Server: "Acme MDM", Organization: "Acme Inc.", Certificate: "acme-mdm.pem", Devices: "devices.csv"}
	every(t, o, func(t *testing.T, g portal.Guide) {
		golden(t, fileName(g), g.Text())
	})
}

// Hosts translate by identifier: none may change, vanish, or be used twice.
func TestIdentifiersAreStable(t *testing.T) {
	var ids []string
	every(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		seen := map[string]bool{}
		note := func(id string) {
			assert.False(t, seen[id], "%s is used twice in one guide", id)
			seen[id] = true
			ids = append(ids, id)
		}
		for _, s := range g.Steps {
			assert.True(t, strings.HasPrefix(string(s.ID), string(g.Task)+"."), "%s is a step of %s", s.ID, g.Task)
			note(string(s.ID))
			if s.Warning != nil {
				note(string(s.Warning.ID))
			}
		}
		for _, n := range slices.Concat(g.Notes, g.Avoid) {
			note(string(n.ID))
		}
	})
	slices.Sort(ids)
	golden(t, "identifiers.txt", strings.Join(slices.Compact(ids), "\n")+"\n")
}

// The steps of a task are the same in every generation, so that one translation serves all.
func TestEveryGenerationCoversEveryStep(t *testing.T) {
	steps := map[portal.Task][]portal.StepID{}
	every(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		var ids []portal.StepID
		for _, s := range g.Steps {
			ids = append(ids, s.ID)
			assert.NotContains(t, s.Text, "{", "a word is missing in %s", s.ID)
			assert.NotContains(t, s.Text, "  ", "a word is empty in %s", s.ID)
			assert.NotContains(t, s.Text, "Choose .", "%s has no labels", s.ID)
		}
		if before, is := steps[g.Task]; is {
			assert.Equal(t, before, ids)
		}
		steps[g.Task] = ids
	})
}

// A label of another generation sends a person looking for a button that is not there.
func TestNoGenerationUsesWordsOfAnother(t *testing.T) {
	foreign := map[portal.Generation][]string{
		portal.Generation2026: {"MDM Server", "MDM server", "Server Token", "Preferences", "Service Settings", "Device Management Services", "Manager"},
		portal.Generation2025: {"MDM Server", "MDM server", "Server Token", "Actions", "Connect external"},
		portal.Generation2024: {"Management Service", "management service", "Actions", "Service Settings", "Replace Certificate", "Connect external"},
	}
	every(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		if g.Product == portal.School {
			g.Generation = portal.Generation2024 // Apple School Manager kept that look
		}
		for _, s := range g.Steps {
			for _, word := range foreign[g.Generation] {
				if strings.HasSuffix(string(s.ID), ".sign_in") { // names roles, which are checked below
					continue
				}
				assert.NotContains(t, s.Text, word, "step %s of %s", s.ID, g.Generation)
			}
		}
	})
}

func TestRoles(t *testing.T) {
	for product, generations := range map[portal.Product]map[portal.Generation]string{
		portal.Business: {
			portal.Generation2026: "Organization Administrator, or any role with the permission to view, add, and delete device management services",
			portal.Generation2025: "Administrator or Device Enrollment Manager",
			portal.Generation2024: "Administrator or Device Enrollment Manager",
		},
		portal.School: {
			portal.Generation2026: "Administrator, Site Manager or Device Enrollment Manager",
			portal.Generation2025: "Administrator, Site Manager or Device Enrollment Manager",
			portal.Generation2024: "Administrator, Site Manager or Device Enrollment Manager",
		},
	} {
		for generation, want := range generations {
			for _, task := range []portal.Task{portal.Renew, portal.Add} {
				g, err := portal.Steps(task, portal.Options{Product: product, Generation: generation})
				require.NoError(t, err)
				assert.Equal(t, want, g.Role.String())
				assert.Contains(t, g.Steps[1].Text, want, "whoever signs in is told")
			}
		}
	}
}

// The outage of a renewal lies between the download and the upload: the person is warned at the download, is told before
// it to have the upload ready, and nothing stands between the two.
func TestTheDownloadIsThePointOfNoReturn(t *testing.T) {
	every(t, portal.Options{Server: "Acme MDM"}, func(t *testing.T, g portal.Guide) {
		if g.Task != portal.Renew {
			for _, s := range g.Steps {
				assert.False(t, s.KillsToken, "there is no token yet")
			}
			return
		}
		for _, way := range []portal.Guide{g, g.ShortWay()} {
			at := slices.IndexFunc(way.Steps, func(s portal.Step) bool { return s.KillsToken })
			require.Positive(t, at)
			download := way.Steps[at]
			assert.Equal(t, portal.StepID("renew.download_token"), download.ID)
			require.NotNil(t, download.Warning)
			assert.Contains(t, download.Warning.Text, "“Acme MDM” has no working token")
			assert.Equal(t, portal.StepID("renew.prepare"), way.Steps[0].ID)
			assert.Equal(t, portal.StepID("renew.upload_token"), way.Steps[at+1].ID)
			assert.Len(t, way.Steps, at+2)
		}
	})
}

// Only one role can accept Apple's new terms, and it may not be the one that renews.
func TestPain15_WhoAcceptsTheTerms(t *testing.T) {
	everyToken(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		i := slices.IndexFunc(g.Notes, func(n portal.Note) bool { return n.ID == "note.terms" })
		require.GreaterOrEqual(t, i, 0)
		who := "somebody with the role Administrator accepts"
		if g.Product == portal.Business && g.Generation == portal.Generation2026 {
			who = "somebody with the role Organization Administrator accepts"
		}
		assert.Contains(t, g.Notes[i].Text, who)
	})
}

// A token dies with the person who downloaded it; whoever is about to download one is told before.
func TestPain13_ThePersonBehindTheToken(t *testing.T) {
	everyToken(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		assert.Contains(t, g.Text(), "changes the password of their Managed Apple Account or leaves the organization")
	})
}

func TestTheShortWayLeavesOutTheCertificateOnly(t *testing.T) {
	every(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		short := g.ShortWay()
		var left []portal.StepID
		var numbers []int
		for i, s := range g.Steps {
			if s.ReplacesCertificate {
				left, numbers = append(left, s.ID), append(numbers, i+1)
			}
		}
		assert.Len(t, short.Steps, len(g.Steps)-len(left))
		if g.Task != portal.Renew {
			assert.Empty(t, left, "there is no certificate of a service to keep")
			return
		}
		assert.Equal(t, []portal.StepID{"renew.edit", "renew.replace_certificate", "renew.save"}, left)
		require.Equal(t, []int{5, 6, 7}, numbers)
		assert.Contains(t, g.Text(), "leave out the steps 5 to 7")
		assert.NotContains(t, short.Text(), "leave out")
	})
}

func TestEveryLabelNamesItsSource(t *testing.T) {
	every(t, portal.Options{}, func(t *testing.T, g portal.Guide) {
		for _, s := range g.Steps {
			for _, l := range s.Path {
				assert.NotEmpty(t, l.Text)
				assert.Contains(t, []portal.Certainty{portal.ByApple, portal.ByVendor, portal.Assumed}, l.Certainty)
				assert.NotEmpty(t, l.Source.Title)
				assert.Equal(t, l.Certainty == portal.ByApple, l.Source.Publisher == "Apple", "%q: only Apple's texts are Apple's word", l.Text)
				assert.True(t, l.Source.Date.After(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)), "%q is dated", l.Text)
			}
		}
		assert.NotEmpty(t, g.Role.Source.Title)
		assert.NotEmpty(t, g.Sources())
	})
}

func TestGenerations(t *testing.T) {
	newest, err := portal.Steps(portal.Renew, portal.Options{})
	require.NoError(t, err)
	assert.Equal(t, portal.Generations()[0], newest.Generation)
	assert.Equal(t, portal.Newest, newest.Generation)
	assert.Equal(t, portal.Business, newest.Product)

	for _, wrong := range []struct {
		task portal.Task
		o    portal.Options
		want string
	}{
		{portal.Renew, portal.Options{Generation: "2023"}, `portal: there is no portal generation "2023"; choose one of: 2026, 2025, 2024`},
		{portal.Renew, portal.Options{Product: "essentials"}, `portal: there is no product "essentials"; choose one of: business, school`},
		{"wipe", portal.Options{}, `portal: there is no task "wipe"; choose one of: renew, add, push, assign, migrate`},
		{"", portal.Options{}, `portal: there is no task ""; choose one of: renew, add, push, assign, migrate`},
	} {
		_, err := portal.Steps(wrong.task, wrong.o)
		require.EqualError(t, err, wrong.want)
		_, typed := errors.AsType[*portal.UnknownError](err)
		assert.True(t, typed)
	}
}

// Names come from other people and go to terminals.
func TestNamesCannotForgeLines(t *testing.T) {
	hostile := "A\x1b[31m\r\n 9. Choose Delete {path} \u202e{server}" + strings.Repeat("x", 5000)
	every(t, portal.Options{Server: hostile, Organization: hostile, Certificate: hostile, Devices: hostile}, func(t *testing.T, g portal.Guide) {
		plain, err := portal.Steps(g.Task, portal.Options{Server: "a", Organization: "a", Certificate: "a", Devices: "a", Product: g.Product, Generation: g.Generation})
		require.NoError(t, err)
		assert.Equal(t, strings.Count(plain.Text(), "\n"), strings.Count(g.Text(), "\n"))
		for _, bad := range []string{"\x1b", "\r", "\u202e"} {
			assert.NotContains(t, g.Text(), bad)
		}
		assert.Contains(t, g.Text(), "Choose Delete {path} {server}xxx", "braces of a name are not filled")
		assert.Less(t, len(g.Text()), 16<<10)
	})
}

// A guide is the caller's own: what one host changes in it, another never sees.
func TestGuidesAreCopies(t *testing.T) {
	first, err := portal.Steps(portal.Renew, portal.Options{})
	require.NoError(t, err)
	before, err := json.Marshal(first)
	require.NoError(t, err)

	first.Role.Names[0], first.Args["portal"], first.Notes[0].Text, first.Avoid[0].Text = "x", "x", "x", "x"
	for i := range first.Steps {
		first.Steps[i].Text = "x"
		if first.Steps[i].Warning != nil {
			first.Steps[i].Warning.Text = "x"
		}
		for j := range first.Steps[i].Path {
			first.Steps[i].Path[j].Text = "x"
		}
	}

	second, err := portal.Steps(portal.Renew, portal.Options{})
	require.NoError(t, err)
	after, err := json.Marshal(second)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}
