package runner_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// Files that decrypt, and that Apple's answer speaks against: the message says what to do, and the credentials in use stay
// byte for byte what they were. What Apple cannot judge now is kept, what it refused is kept for a recheck only.
func TestRefusedByApplesAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*testing.T, *host, *service) []byte
		code    enrollment.Code
		exit    int
		says    string
		next    string
		state   renewal.State
		kept    int // secrets
	}{
		{"of an unknown service that has our certificate", func(t *testing.T, h *host, s *service) []byte {
			other, err := s.c.admin.CreateService("Side door", s.certificate().PEM)
			require.NoError(t, err)
			return (&service{s.c, s.id, other}).file()
		}, enrollment.CodeOtherService, 6, "(Side door)", "open the service that this server stands for", renewal.AwaitingUpload, 0},
		{"of another tenant's service that has our certificate", func(t *testing.T, h *host, s *service) []byte {
			beta := h.customer("beta").addServer("Beta MDM")
			h.clock.Pass(time.Hour)
			require.NoError(t, beta.c.admin.ReplaceCertificate(beta.apple, s.certificate().PEM))
			return beta.file()
		}, enrollment.CodeServiceTaken, 6, "already in use by another server", "a service of its own", renewal.AwaitingUpload, 0},
		{"rejected", func(t *testing.T, h *host, s *service) []byte {
			file := s.file()
			s.c.admin.ChangePassword()
			return file
		}, enrollment.CodeRejected, 9, "does not accept the token", "Download the token again", renewal.AwaitingUpload, 1},
		{"without access", func(t *testing.T, h *host, s *service) []byte {
			file := s.file()
			h.apple.Fail(appletest.Denied(""))
			return file
		}, enrollment.CodeAccessDenied, 9, "denies this token access", "whose role may manage", renewal.AwaitingUpload, 1},
		{"while terms are not accepted", func(t *testing.T, h *host, s *service) []byte {
			file := s.file()
			s.c.org.RequireTerms()
			return file
		}, enrollment.CodeTermsPending, 9, "accepted for acme Inc.", "accepts the terms", renewal.BlockedTerms, 1},
		{"while Apple is down", func(t *testing.T, h *host, s *service) []byte {
			file := s.file()
			h.apple.Fail(appletest.Fault{Kind: appletest.Down})
			return file
		}, enrollment.CodeUnreachable, 10, "no usable answer", "kept sealed", renewal.Verifying, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			h.clock.Pass(time.Hour)
			file := c.prepare(t, h, s)
			before := dumpOf(t, h.store)
			run, err := s.upload(file)
			p := requireProblem(t, c.code, err)
			requireHelpful(t, p, badFile{says: c.says, next: c.next})
			_, exit := p.Code.Status()
			assert.Equal(t, c.exit, exit)
			assert.Equal(t, c.state, run.State)
			assert.Equal(t, c.kept, sameCredentials(t, before, dumpOf(t, h.store)), "kept secrets")

			// A day later it is still like this, whoever looks.
			h.pass(24 * time.Hour)
			assert.Equal(t, c.kept, sameCredentials(t, before, dumpOf(t, h.store)), "kept secrets")
			run, err = s.c.Renewal(ctx(t), tech, run.ID)
			require.NoError(t, err)
			assert.Equal(t, c.state, run.State)

			h.apple.Heal()
			if c.code == enrollment.CodeTermsPending {
				require.NoError(t, s.c.org.AcceptTerms(s.c.admin))
			}
			if c.kept > 0 && c.code != enrollment.CodeRejected {
				run, err = s.c.Recheck(ctx(t), tech, run.ID)
				require.NoError(t, err)
				assert.Equal(t, renewal.Completed, run.State, "the very file is judged at last")
			} else {
				run, err = s.upload(s.file())
				require.NoError(t, err, "the right file goes through")
				assert.Equal(t, renewal.Completed, run.State)
			}
			assert.EqualValues(t, 2, s.view().Token.Generation)
		})
	}
}

// certificate is that of the server's first renewal.
func (s *service) certificate() runner.Certificate {
	s.c.h.t.Helper()
	run, err := s.c.StartRenewal(ctx(s.c.h.t), tech, s.id)
	require.NoError(s.c.h.t, err)
	cert, err := s.c.Certificate(ctx(s.c.h.t), tech, run.ID)
	require.NoError(s.c.h.t, err)
	return cert
}

// The first token of an organization that nobody expected waits for a person, who can give it back: then nothing is left.
func TestFirstTokenOfAnotherCustomer(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").newServer("Acme MDM")
	stranger := h.apple.AddOrganization("Wrong Ltd.").AddAdmin("it@wrong.example")
	before := dumpOf(t, h.store)
	wrong, err := stranger.CreateService("MDM", s.certificate().PEM)
	require.NoError(t, err)
	file, _, err := stranger.DownloadToken(wrong)
	require.NoError(t, err)

	run, err := s.upload(file)
	p := requireProblem(t, enrollment.CodeConfirm, err)
	requireHelpful(t, p, badFile{says: "Wrong Ltd., service MDM, downloaded by it@wrong.example", next: "Compare with the customer's portal"})
	assert.Equal(t, 1, sameCredentials(t, before, dumpOf(t, h.store)))
	assert.Equal(t, enrollment.Missing, s.view().Health)

	_, err = s.c.Cancel(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Zero(t, sameCredentials(t, before, dumpOf(t, h.store)), "the stranger's token is gone")
	run, err = s.c.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: s.download(), Confirm: true})
	require.NoError(t, err, "and the right one is not in its way")
	assert.Equal(t, renewal.Completed, run.State)
}

// movedOrganization answers for every token that its service has moved to another organization.
type movedOrganization struct{ abmtoken.Verifier }

func (m movedOrganization) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	a, err := m.Verifier.Account(ctx, token)
	a.OrgID, a.OrgName = "2000000", "New Owner GmbH"
	return a, err
}

func TestAnotherOrganizationAsksAPerson(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	h.config.Verifier = movedOrganization{h.config.Verifier}
	moved, err := runner.New(h.config)
	require.NoError(t, err)
	acme := moved.Tenant("acme")
	before := dumpOf(t, h.store)
	run, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, File: s.download()})
	p := requireProblem(t, enrollment.CodeOtherOrg, err)
	requireHelpful(t, p, badFile{says: "from acme Inc. to New Owner GmbH", next: "Compare"})
	sameCredentials(t, before, dumpOf(t, h.store))

	_, err = acme.Confirm(ctx(t), robot, run.ID)
	requireProblem(t, enrollment.CodePersonNeeded, err)
	run, err = acme.Confirm(ctx(t), tech, run.ID)
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
	assert.Equal(t, "2000000", s.view().Pin.OrgID)
}
