package abmtoken_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// sample is a token file as Apple makes them, and the pair that opens it.
func sample(t testing.TB) ([]byte, abmtoken.KeyPair) {
	t.Helper()
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	require.NoError(t, err)
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", pair.CertificatePEM())
	require.NoError(t, err)
	file, _, err := admin.DownloadToken(service)
	require.NoError(t, err)
	return file, pair
}

func TestOpensWhatApplesPortalMakes(t *testing.T) {
	file, pair := sample(t)
	token, used, err := abmtoken.Open(file, time.Now(), pair)
	require.NoError(t, err)
	assert.Equal(t, pair.ID(), used.ID())
	assert.Equal(t, abmtoken.HealthActive, token.Health(time.Now(), 30*24*time.Hour))

	crlf := bytes.ReplaceAll(bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	_, _, err = abmtoken.Open(append([]byte("\uFEFF"), crlf...), time.Now(), pair)
	require.NoError(t, err)

	stranger, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Other", Now: time.Now()})
	require.NoError(t, err)
	_, _, err = abmtoken.Open(file, time.Now(), stranger)
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	_, _, err = abmtoken.Open(file, time.Now().AddDate(2, 0, 0), pair)
	require.ErrorIs(t, err, abmtoken.ErrExpired)
}

func TestThreat06_HostileFiles(t *testing.T) {
	file, pair := sample(t)
	for cut := 0; cut < len(file); cut += 97 {
		_, _, err := abmtoken.Open(file[:cut], time.Now(), pair)
		require.Error(t, err, "cut at %d", cut)
	}
	for name, hostile := range hostile(t) { // what they may take is measured by TestNoFileTakesMuchMemory
		_, _, err := abmtoken.Open(hostile, time.Now(), pair)
		mustBeKnown(t, err)
		assert.False(t, err == nil && strings.HasPrefix(name, "deep"), name)
	}
	_, err := abmtoken.ReadEnvelope(make([]byte, abmtoken.MaxFile+1))
	require.ErrorIs(t, err, abmtoken.ErrTooLarge)
}

func TestThreat10_TokenFieldsCannotCarryHeaders(t *testing.T) {
	const good = `{"consumer_key":"CK_%s","consumer_secret":"CS_1","access_token":"AT_1","access_secret":"AS_1","access_token_expiry":"2027-11-24T09:00:00Z"}`
	_, err := abmtoken.ParseToken(fmt.Appendf(nil, good, "1"))
	require.NoError(t, err)
	for _, bad := range []string{`\r\nX-Evil: 1`, `\u0000`, `\u00e9`, strings.Repeat("a", 1<<16)} {
		_, err := abmtoken.ParseToken(fmt.Appendf(nil, good, bad))
		require.ErrorIs(t, err, abmtoken.ErrBadContent)
	}
}
