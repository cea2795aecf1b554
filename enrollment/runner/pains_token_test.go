package runner_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// What users of other systems broke their tokens on, one test each. The numbers are those of our list of such pains.

// Asking for a certificate again loses no key: a token for the first one still opens, whatever was asked for since.
func TestPain01_AskingAgainLosesNoKey(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	first := s.certificate()
	assert.Equal(t, first.PEM, s.certificate().PEM, "the same renewal has the same certificate")
	run, err := s.c.StartRenewal(ctx(t), tech, s.id)
	require.NoError(t, err)
	_, err = s.c.Cancel(ctx(t), tech, run.ID)
	require.NoError(t, err)
	second := s.certificate() // of a new renewal
	require.NotEqual(t, first.PEM, second.PEM)

	require.NoError(t, s.c.admin.ReplaceCertificate(s.apple, first.PEM))
	run, err = s.upload(s.file())
	require.NoError(t, err, "a token for the first certificate")
	assert.Equal(t, renewal.Completed, run.State)
	h.clock.Pass(time.Hour)
	require.NoError(t, s.c.admin.ReplaceCertificate(s.apple, second.PEM))
	_, err = s.upload(s.file())
	require.NoError(t, err, "and one for the second")
	assert.Len(t, s.view().Keys, 3)
}

// A token of another customer overwrites nothing; that of the same service, downloaded by another administrator, is right,
// although its consumer key is another one.
func TestPain02_TheServiceIsTheIdentity(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(time.Hour)
	was := s.view().Token.ConsumerKey
	colleague := s.c.org.AddAdmin("colleague@acme.example")
	file, _, err := colleague.DownloadToken(s.apple)
	require.NoError(t, err)
	run, err := s.upload(file)
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
	v := s.view()
	require.NotEqual(t, was, v.Token.ConsumerKey)
	assert.Equal(t, "colleague@acme.example", v.Admin)
	require.Len(t, run.Warnings, 1, "a warning, no refusal")
	assert.Equal(t, enrollment.CodeOtherConsumer, run.Warnings[0].Code)
}

// Whoever imports a token without its key pair is told what that costs, while the old system still has the pair.
func TestPain05_TokenWithoutItsKey(t *testing.T) {
	h := newHost(t)
	token := abmtoken.NewSecret(`{"consumer_key":"CK_1","consumer_secret":"CS_1","access_token":"AT_1","access_secret":"AS_1",
		"access_token_expiry":"2027-11-01T00:00:00Z"}`)
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Old", Now: h.clock.Now()})
	require.NoError(t, err)
	row := runner.Adoption{Tenant: "acme", Reference: "crm-1", Name: "Acme MDM", Token: token}
	key := []runner.AdoptedKey{{Key: pair.PrivateKeyPEM(), Certificate: pair.CertificatePEM()}}

	got := h.adopt(row)[0]
	require.NotNil(t, got.Warning)
	assert.Equal(t, enrollment.CodeKeyMissing, got.Warning.Code)
	assert.NotNil(t, h.adopt(row)[0].Warning, "as long as it is so")
	row.Keys = key
	got = h.adopt(row)[0]
	assert.Equal(t, runner.RowUpdated, got.Outcome)
	assert.Nil(t, got.Warning)
	v, err := h.Tenant("acme").Server(ctx(t), got.Server)
	require.NoError(t, err)
	require.Len(t, v.Keys, 1, "the key is kept with its token")
	assert.Nil(t, h.adopt(runner.Adoption{Tenant: "acme", Reference: "crm-2", Name: "Key only", Keys: key})[0].Warning)
}

// adopt takes rows and says what became of each.
func (h *host) adopt(rows ...runner.Adoption) []runner.RowResult {
	h.t.Helper()
	var results []runner.RowResult
	_, err := h.Adopt(ctx(h.t), tech, func(yield func(runner.Adoption, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}, func(r runner.RowResult) { results = append(results, r) })
	require.NoError(h.t, err)
	require.Len(h.t, results, len(rows))
	return results
}

// A token that is renewed long before its end is replaced, not put behind the old one.
func TestPain06_TheOldTokenIsGone(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	old := s.view().Token
	h.clock.Pass(24 * time.Hour)
	_, err := s.upload(s.file())
	require.NoError(t, err)
	token, err := s.c.Tokens(s.id).Token(ctx(t))
	require.NoError(t, err)
	assert.NotEqual(t, old.Fingerprint, token.Fingerprint())
	var kept []string
	for key, rec := range dumpOf(t, h.store) {
		if key.Kind == storage.KindSecret && rec.State == "token" {
			kept = append(kept, key.ID)
		}
	}
	require.Len(t, kept, 1)
	assert.Contains(t, kept[0], s.view().Token.Secret)
	assert.NotContains(t, kept[0], old.Secret)
}

// A new token is used from the next call on, in every process, and Apple was asked about it at once.
func TestPain07_NewTokenWithoutRestart(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	other, err := runner.New(h.config) // another process, started before the renewal
	require.NoError(t, err)
	source := other.Tenant("acme").Tokens(s.id)
	before, err := source.Token(ctx(t))
	require.NoError(t, err)
	h.clock.Pass(24 * time.Hour)
	_, err = s.upload(s.file())
	require.NoError(t, err)
	after, err := source.Token(ctx(t))
	require.NoError(t, err)
	assert.NotEqual(t, before.Fingerprint(), after.Fingerprint())
	v, err := other.Tenant("acme").Server(ctx(t), s.id)
	require.NoError(t, err)
	assert.Equal(t, h.clock.Now(), v.AnsweredAt)
	assert.Equal(t, enrollment.Active, v.Health)
}

// Key pairs of another system, as OpenSSL wrote them: the same issuer and serial for all, a day's validity long over, even as
// "TRUSTED CERTIFICATE". Each server's files open with its own.
func TestPain08_ForeignKeyPairs(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	var services []*service
	for i, name := range []string{"One", "Two"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "micromdm-dep-token"},
			NotBefore: h.clock.Now().AddDate(-1, 0, 0), NotAfter: h.clock.Now().AddDate(-1, 0, 1),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		require.NoError(t, err)
		block := []string{"CERTIFICATE", "TRUSTED CERTIFICATE"}[i]
		got := h.adopt(runner.Adoption{Tenant: "acme", Reference: name, Name: name, Keys: []runner.AdoptedKey{{
			Key: abmtoken.NewSecret(string(pem.EncodeToMemory(&pem.Block{
				Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key),
			}))),
			Certificate: pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}),
		}}})[0]
		require.Equal(t, runner.RowAdded, got.Outcome, "%v", got.Problem)
		at, err := acme.admin.CreateService(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		require.NoError(t, err)
		services = append(services, &service{acme, got.Server, at})
	}
	for _, s := range services {
		run, err := acme.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: s.download()})
		require.NoError(t, err)
		assert.Equal(t, renewal.Completed, run.State)
	}
	h.clock.Pass(time.Hour)
	_, err := services[0].upload(services[1].file())
	requireProblem(t, enrollment.CodeNoKeyFits, err)

	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	refused := h.adopt(runner.Adoption{
		Tenant: "acme", Reference: "3", Name: "Three", Keys: []runner.AdoptedKey{{Key: abmtoken.NewSecret(string(locked))}},
	})[0]
	require.NotNil(t, refused.Problem)
	assert.Contains(t, refused.Problem.Next, "openssl pkey -in locked.pem")
}

// The person who downloaded the token is gone: the health and the problem say so by name, and the server can be worked with.
func TestPain13_ThePersonWhoDownloadedItLeft(t *testing.T) {
	for _, how := range []string{"token_rejected", "FORBIDDEN"} {
		t.Run(how, func(t *testing.T) {
			h := newHost(t)
			s := h.customer("acme").addServer("Acme MDM")
			s.c.admin.Leave()
			if how == "FORBIDDEN" {
				h.apple.Fail(appletest.Fault{Kind: appletest.Status, Status: 403, Code: how})
			}
			v, err := s.c.CheckServer(ctx(t), tech, s.id)
			require.NoError(t, err)
			assert.Equal(t, enrollment.Rejected, v.Health)
			assert.Contains(t, v.Causes, enrollment.CausePersonLeft)
			require.NotNil(t, v.Problem)
			assert.Contains(t, v.Problem.Title, how)
			assert.Contains(t, v.Problem.Next, "it@acme.example")
			h.pass(time.Minute)
			notices := h.inbox.all()
			require.NotEmpty(t, notices)
			assert.Contains(t, notices[len(notices)-1].Problem.Next, "it@acme.example", "in the ticket, too")

			_, err = s.c.Quiet(ctx(t), tech, s.id, h.clock.Now().Add(time.Hour))
			require.NoError(t, err)
			h.apple.Heal()
			s.c.admin = s.c.org.AddAdmin("new@acme.example")
			h.clock.Pass(time.Hour)
			_, err = s.upload(s.file())
			require.NoError(t, err)
			assert.Equal(t, enrollment.Active, s.view().Health)
			assert.Equal(t, "new@acme.example", s.view().Admin)
		})
	}
}

// Of many outstanding keys the one that the file names is unsealed, and no other.
func TestPain44_TheFileNamesItsKey(t *testing.T) {
	h := newHost(t)
	acme := h.customer("acme")
	var keys []runner.AdoptedKey
	var certificates [][]byte
	for range 4 {
		pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: h.clock.Now()})
		require.NoError(t, err)
		keys = append(keys, runner.AdoptedKey{Key: pair.PrivateKeyPEM(), Certificate: pair.CertificatePEM()})
		certificates = append(certificates, pair.CertificatePEM())
	}
	adopted := h.adopt(runner.Adoption{Tenant: "acme", Reference: "1", Name: "Acme MDM", Keys: keys})[0]
	require.Equal(t, runner.RowAdded, adopted.Outcome)
	watched := &secretReads{Store: h.store}
	h.restart(watched)
	for i, pem := range slices.Backward(certificates) {
		at, err := acme.admin.CreateService("Acme MDM "+strconv.Itoa(i), pem)
		require.NoError(t, err)
		s := &service{&customer{h, h.Tenant("acme"), acme.org, acme.admin}, adopted.Server, at}
		file := s.file()
		watched.keys = nil
		_, err = s.c.UploadToken(ctx(t), tech, runner.Upload{Server: s.id, Confirm: true, File: reader(file)})
		if i == len(certificates)-1 {
			require.NoError(t, err)
		} else {
			requireProblem(t, enrollment.CodeOtherService, err) // it was opened, and Apple asked
		}
		assert.Len(t, watched.keys, 1, "%v", watched.keys)
	}
}

// A renewal of a service that is known needs no person: what downloads the token one day hands it in like one.
func TestPain45_AProgramRenews(t *testing.T) {
	h := newHost(t)
	s := h.customer("acme").addServer("Acme MDM")
	h.clock.Pass(24 * time.Hour)
	run, err := s.c.StartRenewal(ctx(t), robot, s.id)
	require.NoError(t, err)
	cert, err := s.c.Certificate(ctx(t), robot, run.ID)
	require.NoError(t, err)
	require.NoError(t, s.c.admin.ReplaceCertificate(s.apple, cert.PEM))
	run, err = s.c.UploadToken(ctx(t), robot, runner.Upload{File: s.download()}) // not even the server is named
	require.NoError(t, err)
	assert.Equal(t, renewal.Completed, run.State)
	assert.Equal(t, robot, run.Candidate.UploadedBy)
}
