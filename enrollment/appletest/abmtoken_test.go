package appletest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// The library's own key pairs are taken by the portal, and its reader opens every form of token.
func TestAbmtokenOpensTheTokens(t *testing.T) {
	key, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	require.NoError(t, err)
	apple := appletest.New(appletest.Options{})
	admin := apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", key.CertificatePEM())
	require.NoError(t, err)
	s := &shop{apple: apple, admin: admin, service: service}
	for _, f := range formats() {
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			apple.Change(func(b *appletest.Behavior) { b.Token = f })
			require.NoError(t, admin.ReplaceCertificate(service, key.CertificateDER()))
			file, _, err := admin.DownloadToken(service)
			require.NoError(t, err)
			token, _, err := abmtoken.Open(file, time.Now(), key)
			require.NoError(t, err)
			require.Equal(t, 200, s.session(t, credentials{
				ConsumerKey: token.ConsumerKey(), ConsumerSecret: token.ConsumerSecret().Reveal(),
				AccessToken: token.AccessToken().Reveal(), AccessSecret: token.AccessSecret().Reveal(),
			}).Status)
		})
	}
}
