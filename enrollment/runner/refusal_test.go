package runner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// refusedFiles are all the files that are refused before Apple is asked, made for one server in a world of others.
func refusedFiles(t testing.TB, h *host) (*service, []badFile) {
	t.Helper()
	acme := h.customer("acme")
	s := acme.newServer("Acme MDM")
	page, err := acme.Renewals(ctx(t), tech, s.id, runner.Page{})
	require.NoError(t, err)
	certificate, err := acme.Certificate(ctx(t), tech, page.Renewals[0].ID)
	require.NoError(t, err)
	older := s.file()
	h.clock.Pass(time.Hour)
	good := s.file()
	_, err = acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: reader(good)})
	require.NoError(t, err)
	beta := h.customer("beta").addServer("Beta MDM").file()
	gone := h.customer("gone")
	nobodys := gone.newServer("Gone MDM").file()
	require.NoError(t, gone.Close(ctx(t), tech))
	require.NoError(t, gone.Erase(ctx(t), tech))
	return s, append(badFiles(t, certificate, good), []badFile{
		{"the older of two downloads", older, enrollment.CodeOlderToken, "older than another one", "the older of two downloads"},
		{"another server's", acme.addServer("Acme School").file(), enrollment.CodeOtherServer, "for the server Acme School", "Upload it there"},
		{"another tenant's", beta, enrollment.CodeNoKeyFits, "No key of this server", "Replace Certificate"},
		{"nobody's", nobodys, enrollment.CodeNoKeyFits, "No key of this server", "Replace Certificate"},
	}...)
}

// technical are words that a technician need not know.
var technical = []string{"asn1", "pkcs", "cms", "envelope", "recipientinfo", "oid", "json:", "nil", "%!", "abmtoken", "storage:", "{", "}"}

func requireHelpful(t testing.TB, p enrollment.Problem, c badFile) {
	t.Helper()
	assert.Contains(t, p.Title, c.says)
	assert.Contains(t, strings.ToLower(p.Next), strings.ToLower(c.next))
	for _, word := range technical {
		assert.NotContains(t, strings.ToLower(p.Title+p.Next), word)
	}
}

// Every refused file gets a message that a technician understands and that says what to do; all of the store but the
// problem, and the one entry of the audit, is byte for byte as it was. No renewal is begun for it.
func TestRefusedFilesChangeNothing(t *testing.T) {
	h := newHost(t)
	s, files := refusedFiles(t, h)
	h.clock.Pass(time.Hour)
	for _, c := range files {
		t.Run(c.name, func(t *testing.T) {
			before := dumpOf(t, h.store)
			run, err := s.upload(c.text)
			requireHelpful(t, requireProblem(t, c.code, err), c)
			assert.Empty(t, run.ID, "no renewal is begun")
			entries := 1
			if c.name == "another tenant's" {
				entries = 2 // one for the installation, which the tenant does not see
			}
			onlyWrittenDown(t, before, dumpOf(t, h.store), entries)
		})
		h.clock.Pass(time.Minute)
	}
	assert.Equal(t, enrollment.Active, s.view().Health)
}

// The same beside a live renewal: it shows the problem and waits on.
func TestRefusedFilesShowInTheRenewal(t *testing.T) {
	h := newHost(t)
	s, files := refusedFiles(t, h)
	h.clock.Pass(time.Hour)
	run, err := s.c.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	_, err = s.c.Certificate(ctx(t), tech, run.ID)
	require.NoError(t, err)
	for _, c := range files {
		t.Run(c.name, func(t *testing.T) {
			before := dumpOf(t, h.store)
			view, err := s.c.UploadToken(ctx(t), tech, runner.Upload{Renewal: run.ID, File: reader(c.text)})
			requireHelpful(t, requireProblem(t, c.code, err), c)
			assert.Equal(t, run.ID, view.ID)
			assert.Equal(t, renewal.AwaitingUpload, view.State)
			require.NotNil(t, view.Problem)
			assert.Equal(t, c.code, view.Problem.Code)
			entries := 1
			if c.name == "another tenant's" {
				entries = 2
			}
			onlyWrittenDown(t, before, dumpOf(t, h.store), entries)
		})
		h.clock.Pass(time.Minute)
	}
	view, err := s.upload(s.file())
	require.NoError(t, err, "the right file goes through all the same")
	assert.Equal(t, renewal.Completed, view.State)
	assert.Nil(t, view.Problem)
}

func TestExpiredFileChangesNothing(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	file := s.file()
	h.clock.Pass(366 * 24 * time.Hour)
	h.pass(0) // what fell due meanwhile
	before := dumpOf(t, h.store)
	_, err := s.upload(file)
	p := requireProblem(t, enrollment.CodeTokenExpired, err)
	assert.Contains(t, p.Next, "Download a new token")
	onlyWrittenDown(t, before, dumpOf(t, h.store), 1)
	_, exit := p.Code.Status()
	assert.Equal(t, 3, exit)
}

// A file without a word for which server: where that cannot be told, the tenant's history has it.
func TestRefusedFilesForNoServer(t *testing.T) {
	h := newHost(t)
	s, files := refusedFiles(t, h)
	var foreign, unknown enrollment.Problem
	for _, c := range files {
		t.Run(c.name, func(t *testing.T) {
			before := dumpOf(t, h.store)
			_, err := s.c.UploadToken(ctx(t), tech, runner.Upload{File: reader(c.text)})
			if c.code == enrollment.CodeOtherServer {
				require.NoError(t, err, "it is found to be for that server, and in use there")
				return
			}
			p := requireProblem(t, c.code, err)
			entries := 1
			switch c.name {
			case "another tenant's":
				foreign, entries = p, 2
			case "nobody's":
				unknown = p
			}
			assert.NotEmpty(t, p.Next)
			onlyWrittenDown(t, before, dumpOf(t, h.store), entries)
		})
		h.clock.Pass(time.Minute)
	}
	assert.Equal(t, unknown.Error(), foreign.Error(), "a tenant does not learn that another one has the key")
	assert.Equal(t, unknown.Args, foreign.Args)
	entries, err := s.c.Audit(ctx(t), "acme", 0, 100)
	require.NoError(t, err)
	assert.Equal(t, enrollment.ActFileRefused, entries[len(entries)-1].Act)
	assert.Equal(t, tech, entries[len(entries)-1].By)

	_, err = h.Tenant("unheard of").UploadToken(ctx(t), tech, runner.Upload{File: strings.NewReader("<html>")})
	requireProblem(t, enrollment.CodeNotServerToken, err)
	_, err = h.Tenant("unheard of").Show(ctx(t))
	requireProblem(t, enrollment.CodeNotFound, err)
}
