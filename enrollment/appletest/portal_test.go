package appletest_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func TestPortalTakesCertificatesInEveryDocumentedForm(t *testing.T) {
	der := pair().cert.Raw
	for name, file := range map[string][]byte{
		"pem":                   pair().pem(),
		"pem with text before":  append([]byte("subject=/CN=Acme\nissuer=/CN=Acme\n"), pair().pem()...),
		"pem with CRLF":         bytes.ReplaceAll(pair().pem(), []byte("\n"), []byte("\r\n")),
		"der, as .der and .cer": der,
	} {
		t.Run(name, func(t *testing.T) {
			admin := appletest.New(appletest.Options{}).AddOrganization("Acme").AddAdmin("it@acme.example")
			service, err := admin.CreateService("Acme MDM", file)
			require.NoError(t, err)
			token, _, err := admin.DownloadToken(service)
			require.NoError(t, err)
			require.NotEmpty(t, open(t, token, pair()).AccessToken)
		})
	}
}

func TestPortalRefusesWhatIsNoRSACertificate(t *testing.T) {
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme").AddAdmin("it@acme.example")
	good, err := admin.CreateService("Good", pair().pem())
	require.NoError(t, err)
	der := pair().cert.Raw
	for name, file := range map[string][]byte{
		"empty":                  nil,
		"text":                   []byte("hello"),
		"elliptic curve":         ecCertificate(t),
		"a private key":          pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"truncated":              der[:len(der)/2],
		"followed by something":  append(bytes.Clone(der), 0),
		"larger than 64 KiB":     bytes.Repeat([]byte{'a'}, 64<<10+1),
		"a sequence of nonsense": {0x30, 0x03, 0x02, 0x01, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := admin.CreateService("Bad", file)
			require.ErrorIs(t, err, appletest.ErrCertificate)
			require.ErrorIs(t, admin.ReplaceCertificate(good, file), appletest.ErrCertificate)
		})
	}
}

// Apple's documented sample was made for a certificate with a negative serial number.
func TestPortalTakesANegativeSerialNumber(t *testing.T) {
	var certificate struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	_, err := asn1.Unmarshal(bytes.Clone(pair().cert.Raw), &certificate)
	require.NoError(t, err)
	serial, err := asn1.Marshal(pair().cert.SerialNumber)
	require.NoError(t, err)
	negative := bytes.Clone(serial)
	negative[2] |= 0x80
	at := bytes.Index(certificate.TBS.FullBytes, serial)
	require.Positive(t, at)
	copy(certificate.TBS.FullBytes[at:], negative)
	der, err := asn1.Marshal(certificate)
	require.NoError(t, err)

	admin := appletest.New(appletest.Options{}).AddOrganization("Acme").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", der)
	require.NoError(t, err)
	file, _, err := admin.DownloadToken(service)
	require.NoError(t, err)
	_, encoded, found := bytes.Cut(file, []byte("\r\n\r\n"))
	require.True(t, found)
	require.True(t, bytes.Contains(fromBase64(t, bytes.NewReader(encoded)), negative), "the recipient has that serial")
}

func TestPortalNamesAreUniqueAndNotApples(t *testing.T) {
	apple := appletest.New(appletest.Options{})
	admin := apple.AddOrganization("Acme").AddAdmin("it@acme.example")
	first, err := admin.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	for _, name := range []string{"Acme MDM", "Unassigned", "Reassigned", "unassigned", " ", ""} {
		_, err := admin.CreateService(name, pair().pem())
		require.ErrorIs(t, err, appletest.ErrName, "%q", name)
	}
	other := apple.AddOrganization("Other").AddAdmin("it@other.example")
	_, err = other.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err, "unique in the organization only")

	uuid := first.UUID()
	require.Regexp(t, `^[0-9A-F]{32}$`, uuid)
	require.NoError(t, admin.RenameService(first, "Acme devices"))
	require.ErrorIs(t, admin.RenameService(first, "Unassigned"), appletest.ErrName)
	require.Equal(t, uuid, first.UUID(), "a name is no identity")
	require.Equal(t, "Acme devices", first.Name())
	first.Delete()
	_, err = admin.CreateService("Acme devices", pair().pem())
	require.NoError(t, err, "the name of a deleted service is free")
}

func TestPortalHoldsAtMost250Certificates(t *testing.T) {
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme").AddAdmin("it@acme.example")
	var last *appletest.Service
	for i := range 250 {
		var err error
		last, err = admin.CreateService(fmt.Sprint("MDM ", i), pair().pem())
		require.NoError(t, err)
	}
	_, err := admin.CreateService("One more", pair().pem())
	require.ErrorIs(t, err, appletest.ErrTooManyCertificates)
	require.NoError(t, admin.ReplaceCertificate(last, pair().pem()), "replacing adds none")
	last.Delete()
	_, err = admin.CreateService("One more", pair().pem())
	require.NoError(t, err)
}

func TestPortalRoles(t *testing.T) {
	const edu, org = true, false
	for _, c := range []struct {
		portal          appletest.Portal
		school          bool
		role            appletest.Role
		services, terms bool
	}{
		{appletest.Portal2024, org, appletest.Administrator, true, true},
		{appletest.Portal2024, org, appletest.DeviceEnrollmentManager, true, false},
		{appletest.Portal2024, org, appletest.SiteManager, false, false},
		{appletest.Portal2024, org, appletest.ContentManager, false, false},
		{appletest.Portal2025, org, appletest.Administrator, true, true},
		{appletest.Portal2025, org, appletest.DeviceEnrollmentManager, true, false},
		{appletest.Portal2025, org, appletest.OrganizationAdministrator, false, false},
		{appletest.Portal2026, org, appletest.OrganizationAdministrator, true, true},
		{appletest.Portal2026, org, appletest.DeviceEnrollmentManager, true, false},
		{appletest.Portal2026, org, appletest.Staff, false, false},
		{appletest.Portal2026, edu, appletest.Administrator, true, true},
		{appletest.Portal2026, edu, appletest.SiteManager, true, false},
		{appletest.Portal2025, edu, appletest.DeviceEnrollmentManager, true, false},
	} {
		t.Run(fmt.Sprintf("%s/school=%t/%s", c.portal, c.school, c.role), func(t *testing.T) {
			apple := appletest.New(appletest.Options{Portal: c.portal})
			o := apple.AddOrganization("Acme")
			if c.school {
				o = apple.AddSchool("Acme School")
			}
			first := o.AddAdmin("first@acme.example")
			service, err := first.CreateService("Acme MDM", pair().pem())
			require.NoError(t, err, "without roles, a person may do everything")
			o.RequireTerms()

			someone := o.AddAdmin("someone@acme.example", c.role)
			check := func(err error, may bool) {
				t.Helper()
				if may {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, appletest.ErrRole)
				}
			}
			_, err = someone.CreateService("Another", pair().pem())
			check(err, c.services)
			check(someone.ReplaceCertificate(service, pair().pem()), c.services)
			check(someone.RenameService(service, "Renamed"), c.services)
			_, _, err = someone.DownloadToken(service)
			check(err, c.services)
			check(o.AcceptTerms(someone), c.terms)
		})
	}
}

func TestPortalRolesOfTheOrganizationsOwn(t *testing.T) {
	o := appletest.New(appletest.Options{}).AddOrganization("Acme")
	helper := o.AddAdmin("helper@acme.example", "Token helper")
	_, err := helper.CreateService("Acme MDM", pair().pem())
	require.ErrorIs(t, err, appletest.ErrRole)
	o.DefineRole("Token helper", appletest.ManageServices, appletest.AcceptTerms)
	_, err = helper.CreateService("Acme MDM", pair().pem())
	require.NoError(t, err)
	o.RequireTerms()
	require.ErrorIs(t, o.AcceptTerms(helper), appletest.ErrRole, "terms are the Organization Administrator's")
}

func TestPortalKeepsOrganizationsApart(t *testing.T) {
	s := newShop(t, appletest.Options{})
	stranger := s.apple.AddOrganization("Other").AddAdmin("it@other.example")
	_, _, err := stranger.DownloadToken(s.service)
	require.ErrorIs(t, err, appletest.ErrForeign)
	require.ErrorIs(t, stranger.ReplaceCertificate(s.service, pair().pem()), appletest.ErrForeign)
	require.ErrorIs(t, s.org.AcceptTerms(stranger), appletest.ErrForeign)
	require.Equal(t, 200, s.session(t, s.token).Status, "and nothing has happened to the token")
}

func TestPortalOfADeletedServiceAndOfSomebodyWhoLeft(t *testing.T) {
	s := newShop(t, appletest.Options{})
	colleague := s.org.AddAdmin("colleague@acme.example")
	s.admin.Leave()
	_, _, err := s.admin.DownloadToken(s.service)
	require.ErrorIs(t, err, appletest.ErrLeft)
	s.service.Delete()
	_, _, err = colleague.DownloadToken(s.service)
	require.ErrorIs(t, err, appletest.ErrDeleted)
	require.True(t, strings.HasPrefix(err.Error(), "appletest: "))
}
