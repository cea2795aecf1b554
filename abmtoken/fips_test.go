package abmtoken_test

import (
	"crypto/fips140"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// Under fips140=only Apple's files are refused with the way out in the message, unless the host asks for the exception;
// all that the mode allows works; and nothing panics.
func TestUnderFIPSOnlyTheAnswerIsClear(t *testing.T) {
	if isChild() == "" {
		printed, err := child(t, "fips", "GODEBUG=fips140=only")
		require.NoError(t, err, printed)
		assert.Contains(t, printed, "enforced: true", "the child has to run in that mode")
		return
	}
	t.Log("enforced:", fips140.Enforced())
	all := vectors(t)
	for name, v := range all {
		expect := v.lines["expect"]
		if expect != "success" {
			continue
		}
		opener := vectorKey(t, v.line("key", "acme"))
		envelope, err := abmtoken.ReadEnvelope(v.file)
		require.NoError(t, err, name)
		last := envelope.Recipients()[len(envelope.Recipients())-1]
		allowed := last.KeyTransport == "rsaes-oaep-sha256" && envelope.Cipher() != "des-ede3-cbc"
		_, _, err = envelope.Open(opener)
		if allowed {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, abmtoken.ErrFIPS, name)
			assert.Contains(t, err.Error(), "fips140=only", name)
			assert.Contains(t, err.Error(), last.KeyTransport, "%s: the message says what is forbidden", name)
			assert.Contains(t, err.Error(), envelope.Cipher(), name)
		}
		_, _, err = abmtoken.Open(v.file, vectorsNow, opener)
		assert.Equal(t, allowed, err == nil, name)
		token, _, err := envelope.AllowFIPSException().Open(opener)
		require.NoError(t, err, name)
		assert.Equal(t, vectorCK, token.ConsumerKey(), name)
		assert.True(t, fips140.Enforced(), "%s: the exception is over", name)
	}
	// A wrong key is no exception's business.
	envelope, err := abmtoken.ReadEnvelope(all["apple-portal"].file)
	require.NoError(t, err)
	_, _, err = envelope.Open(vectorKey(t, "other"))
	require.ErrorIs(t, err, abmtoken.ErrUnknownRecipient)
	envelope, err = abmtoken.ReadEnvelope(all["recipient-with-another-key"].file)
	require.NoError(t, err)
	_, _, err = envelope.AllowFIPSException().Open(vectorKey(t, "acme"))
	require.ErrorIs(t, err, abmtoken.ErrDecrypt)

	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	require.NoError(t, err, "key pairs are made")
	again, err := abmtoken.ImportKeyPair([]byte(pair.PrivateKeyPEM().Reveal()), pair.CertificatePEM())
	require.NoError(t, err, "and read again")
	assert.Equal(t, pair.ID(), again.ID())
}

// Without that mode the exception changes nothing.
func TestTheFIPSExceptionOpensTheSame(t *testing.T) {
	v := vectors(t)["apple-portal"]
	envelope, err := abmtoken.ReadEnvelope(v.file)
	require.NoError(t, err)
	token, _, err := envelope.AllowFIPSException().Open(vectorKey(t, "acme"))
	require.NoError(t, err)
	v.checkToken(t, token)
}
