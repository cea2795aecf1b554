package appletest_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// ages is a window for tests whose clock stands elsewhere than that of the OAuth library.
const ages = 1e6 * time.Hour

// fixed returns a clock that stands, and the hand that moves it.
func fixed(at time.Time) (now func() time.Time, move func(time.Duration)) {
	return func() time.Time { return at }, func(d time.Duration) { at = at.Add(d) }
}

func TestTokenFileHasApplesShape(t *testing.T) {
	now, _ := fixed(time.Date(2026, 3, 1, 10, 20, 30, 400e6, time.FixedZone("", 3600)))
	s := newShop(t, appletest.Options{Now: now})
	file, name, err := s.admin.DownloadToken(s.service)
	require.NoError(t, err)
	require.Equal(t, "Acme MDM_Token_2026-03-01T09-20-30Z_smime.p7m", name)

	lines := strings.Split(string(file), "\r\n")
	require.NotContains(t, strings.Join(lines, ""), "\n", "CRLF throughout")
	require.Equal(t, []string{
		`Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data`,
		`Content-Transfer-Encoding: base64`,
		`Content-Disposition: attachment; filename="smime.p7m"`,
		`Content-Description: S/MIME Encrypted Message`,
		``,
	}, lines[:5])
	encoded := lines[5 : len(lines)-1]
	for i, line := range encoded {
		if i < len(encoded)-1 {
			require.Len(t, line, 76)
		}
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(encoded, ""))
	require.NoError(t, err)
	// ContentInfo, [0], EnvelopedData, all indefinite, and version 0.
	start := append([]byte{0x30, 0x80, 0x06, 0x09}, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03)
	start = append(start, 0xa0, 0x80, 0x30, 0x80, 0x02, 0x01, 0x00)
	require.True(t, bytes.HasPrefix(der, start), "% x", der[:24])
	// The ends of the content, of EncryptedContentInfo, EnvelopedData, [0] and ContentInfo.
	require.True(t, bytes.HasSuffix(der, make([]byte, 10)))

	c := open(t, file, pair())
	require.Regexp(t, `^CK_[0-9a-f]{96}$`, c.ConsumerKey)
	require.Regexp(t, `^CS_[0-9a-f]{40}$`, c.ConsumerSecret)
	require.Regexp(t, `^AT_O[0-9]+O[0-9a-f]{40}O1772356830400$`, c.AccessToken)
	require.Regexp(t, `^AS_[0-9a-f]{40}$`, c.AccessSecret)
	require.Equal(t, time.Date(2027, 3, 1, 9, 20, 30, 0, time.UTC), c.Expiry, "a calendar year, in whole seconds")
}

func TestTokenFileNameHoldsInAPath(t *testing.T) {
	s := newShop(t, appletest.Options{})
	require.NoError(t, s.admin.RenameService(s.service, "../a\\b:c\n"))
	_, name, err := s.admin.DownloadToken(s.service)
	require.NoError(t, err)
	require.Regexp(t, `^\.\.-a-b-c-_Token_`, name)
}

func TestRenewalChangesTheTokenAndKeepsTheConsumer(t *testing.T) {
	s := newShop(t, appletest.Options{})
	again := s.download(t, s.admin)
	require.Equal(t, s.token.ConsumerKey, again.ConsumerKey)
	require.Equal(t, s.token.ConsumerSecret, again.ConsumerSecret)
	require.NotEqual(t, s.token.AccessToken, again.AccessToken)
	require.NotEqual(t, s.token.AccessSecret, again.AccessSecret)

	colleague := s.org.AddAdmin("colleague@acme.example")
	theirs := s.download(t, colleague)
	require.NotEqual(t, s.token.ConsumerKey, theirs.ConsumerKey, "another person has another consumer key")
	require.Equal(t, s.token.ConsumerKey, s.download(t, s.admin).ConsumerKey, "and the first keeps theirs")

	other, err := s.admin.CreateService("Other MDM", pair().pem())
	require.NoError(t, err)
	file, _, err := s.admin.DownloadToken(other)
	require.NoError(t, err)
	require.NotEqual(t, s.token.ConsumerKey, open(t, file, pair()).ConsumerKey, "nor do services share one")
}

func TestTokensDie(t *testing.T) {
	now, move := fixed(time.Now())
	for _, c := range []struct {
		cause appletest.Death
		kill  func(*testing.T, *shop)
	}{
		{appletest.Downloaded, func(t *testing.T, s *shop) { s.download(t, s.admin) }},
		{appletest.KeyReplaced, func(t *testing.T, s *shop) {
			require.NoError(t, s.admin.ReplaceCertificate(s.service, pair().pem()))
		}},
		{appletest.PasswordChanged, func(_ *testing.T, s *shop) { s.admin.ChangePassword() }},
		{appletest.AdminLeft, func(_ *testing.T, s *shop) { s.admin.Leave() }},
		{appletest.ServiceDeleted, func(_ *testing.T, s *shop) { s.service.Delete() }},
		{appletest.Expired, func(*testing.T, *shop) { move(366 * 24 * time.Hour) }},
	} {
		t.Run(string(c.cause), func(t *testing.T) {
			s := newShop(t, appletest.Options{Now: now, Behavior: appletest.Behavior{TimestampWindow: ages}})
			client := s.connect(t)
			require.Equal(t, 200, do(t, client, "GET", "/account", "").Status)
			c.kill(t, s)
			r := s.session(t, s.token)
			require.Equal(t, 401, r.Status)
			require.Equal(t, "token_rejected", r.Body)
			require.Equal(t, 401, do(t, client, "GET", "/account", "").Status, "its sessions died with it")
			if cause, _ := s.service.TokenState(); c.cause != appletest.Downloaded {
				require.Equal(t, c.cause, cause)
			} else {
				require.Equal(t, appletest.Alive, cause, "the later one lives")
			}
		})
	}
}

func TestTokenDependsOnItsDownloaderOnly(t *testing.T) {
	s := newShop(t, appletest.Options{})
	colleague := s.org.AddAdmin("colleague@acme.example")
	colleague.ChangePassword()
	colleague.Leave()
	require.Equal(t, 200, s.session(t, s.token).Status)
	s.admin.ChangePassword()
	require.Equal(t, 200, s.session(t, s.download(t, s.admin)).Status, "after a new password, a new token works")
}

func TestSavingACertificateMaySpareTheToken(t *testing.T) {
	s := newShop(t, appletest.Options{Behavior: appletest.Behavior{KeepTokenOnSave: true}})
	newer := newKeyPair(t, 2048)
	require.NoError(t, s.admin.ReplaceCertificate(s.service, newer.pem()))
	require.Equal(t, 200, s.session(t, s.token).Status)
	file, _, err := s.admin.DownloadToken(s.service)
	require.NoError(t, err)
	require.Equal(t, 401, s.session(t, s.token).Status, "the download kills it")
	require.Equal(t, 200, s.session(t, open(t, file, newer)).Status, "the new one is for the new key")
}

func TestTokenStateBeforeTheFirstDownload(t *testing.T) {
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	_, downloaded := service.TokenState()
	require.False(t, downloaded)
}
