package runner_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// A file is taken as people have it: with the key beside it or in it, as PEM, or as PKCS #12 of old or today.
func TestImportPushTakesFilesAsPeopleHaveThem(t *testing.T) {
	h := newPushHost(t)
	key := pushKey(0)
	pem := h.certificate(ourTopic, key, -10, 355)
	cert, err := apns.Read(pem, "")
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(cert.DER())
	require.NoError(t, err)
	p12 := func(e *pkcs12.Encoder) []byte {
		file, err := e.Encode(key.Signer(), leaf, nil, "secret")
		require.NoError(t, err)
		return file
	}
	for name, in := range map[string]runner.PushImport{
		"key beside it":      {Certificate: pem, Key: key.RevealPEM()},
		"key in it":          {Certificate: append(key.RevealPEM(), pem...)},
		"DER":                {Certificate: cert.DER(), Key: key.RevealPEM()},
		"with Apple's chain": {Certificate: append(pem, h.apple.Push().Chain()...), Key: key.RevealPEM()},
		"PKCS #12":           {Certificate: p12(pkcs12.Modern2023), Password: "secret"},
		"PKCS #12 with RC2":  {Certificate: p12(pkcs12.LegacyRC2), Password: "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			acme := h.customer(name)
			view, err := acme.ImportPush(ctx(t), tech, in)
			require.NoError(t, err)
			assert.Equal(t, ourTopic, view.Certificate.Topic)
			assert.Equal(t, cert.Fingerprint(), view.Certificate.Fingerprint)
			assert.Equal(t, enrollment.NeverChecked, view.Health)
			assert.NotEqual(t, apns.Fail, view.Report.Verdict())
			got, err := h.PushSource().Certificate(ctx(t), name)
			require.NoError(t, err)
			assert.True(t, got.Matches(got.Key()), "what comes out can sign in")
		})
	}
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// bad is a file that must be refused, and as what.
type bad struct {
	in   runner.PushImport
	code enrollment.Code
	says string
}

func badPushes(t *testing.T, h *host) map[string]bad {
	key := pushKey(1)
	good := h.certificate(ourTopic, key, -10, 355)
	of := func(certificate []byte) runner.PushImport {
		return runner.PushImport{Certificate: certificate, Key: key.RevealPEM()}
	}
	cert, err := apns.Read(good, "")
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(cert.DER())
	require.NoError(t, err)
	p12, err := pkcs12.Modern2023.Encode(key.Signer(), leaf, nil, "secret")
	require.NoError(t, err)
	return map[string]bad{
		"an app's certificate":      {of(h.certificate("com.acme.app", key, -10, 355)), enrollment.CodePushUnfit, "an app's"},
		"no topic":                  {of(foreign(t, key, "", x509.ExtKeyUsageClientAuth)), enrollment.CodePushUnfit, "no topic"},
		"not for signing in":        {of(foreign(t, key, ourTopic, x509.ExtKeyUsageServerAuth)), enrollment.CodePushUnfit, "signing in"},
		"expired":                   {of(h.certificate(ourTopic, key, -400, -1)), enrollment.CodePushFileExpired, "expired on"},
		"not yet valid":             {of(h.certificate(ourTopic, key, 1, 366)), enrollment.CodePushUnfit, "not valid before"},
		"another key":               {runner.PushImport{Certificate: good, Key: pushKey(2).RevealPEM()}, enrollment.CodePushNoKeyFits, ""},
		"no key":                    {runner.PushImport{Certificate: good}, enrollment.CodePushNoKeyFits, ""},
		"a key that is none":        {runner.PushImport{Certificate: good, Key: []byte("key")}, enrollment.CodePushUnfit, "no unencrypted RSA key"},
		"a wrong password":          {runner.PushImport{Certificate: p12, Password: "guess"}, enrollment.CodePushPassword, ""},
		"a web page":                {of([]byte("<html>")), enrollment.CodePushUnfit, "web page"},
		"nothing":                   {of(nil), enrollment.CodePushUnfit, "empty"},
		"a huge file":               {of(make([]byte, apns.MaxFile+1)), enrollment.CodePushUnfit, "too large"},
		"a chain that is put wrong": {of(append(good, rechained(t, leaf)...)), enrollment.CodePushUnfit, "signature"},
	}
}

// foreign is a certificate that somebody else than Apple issued.
func foreign(t *testing.T, key apns.Key, topic string, usage x509.ExtKeyUsage) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: newClock().Now().AddDate(0, 0, -1), NotAfter: newClock().Now().AddDate(1, 0, 0),
		Subject: pkix.Name{CommonName: "APSP:x"}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	if topic != "" {
		template.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: topic}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key.Signer())
	require.NoError(t, err)
	cert, err := apns.ParseCertificate(der)
	require.NoError(t, err)
	return cert.PEM()
}

// rechained is an authority that has the name of a certificate's issuer and did not sign it.
func rechained(t *testing.T, leaf *x509.Certificate) []byte {
	t.Helper()
	private, ok := pushKey(3).Signer().(*rsa.PrivateKey)
	require.True(t, ok)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(8), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, RawSubject: leaf.RawIssuer,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	cert, err := apns.ParseCertificate(der)
	require.NoError(t, err)
	return cert.PEM()
}

// What is refused says why, and nothing of it is stored: neither for a tenant that has nothing yet nor for one that has.
func TestImportPushRefuses(t *testing.T) {
	h := newPushHost(t)
	beta := h.customer("beta")
	beta.importPush(ourTopic, 0, 300)
	for name, c := range badPushes(t, h) {
		t.Run(name, func(t *testing.T) {
			before := dumpOf(t, h.store)
			view, err := h.Tenant("nobody").ImportPush(ctx(t), tech, c.in)
			p := requireProblem(t, c.code, err)
			assert.Contains(t, p.Title, c.says)
			assert.NotEmpty(t, p.Next)
			assert.Nil(t, view.Certificate)
			assert.Equal(t, before, dumpOf(t, h.store), "no tenant comes into being by it")

			was := beta.push()
			_, err = beta.ImportPush(ctx(t), tech, c.in)
			requireProblem(t, c.code, err)
			assert.Equal(t, was, beta.push())
		})
		h.clock.Pass(time.Minute)
	}
	entries, err := beta.Audit(ctx(t), string(beta.push().ID), 0, 100)
	require.NoError(t, err)
	assert.Equal(t, enrollment.ActFileRefused, entries[len(entries)-1].Act, "that it was refused is written down")
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// The same file again is no change, and neither is one that a retry sends.
func TestImportingTheSameAgainChangesNothing(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	file := h.certificate(ourTopic, pushKey(0), -10, 300)
	in := runner.PushImport{Certificate: file, Key: pushKey(0).RevealPEM()}
	first, err := acme.ImportPush(ctx(t), tech, in)
	require.NoError(t, err)
	again, err := acme.ImportPush(ctx(t), tech, in)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	alone, err := acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: file})
	require.NoError(t, err, "its key is here already")
	assert.Equal(t, first, alone)
	entries, err := acme.Audit(ctx(t), string(first.ID), 0, 100)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "added and imported, once")
}

// A certificate that was renewed elsewhere takes the place of the one before; a renewal that was under way has nothing to do
// any more.
func TestImportingARenewedOne(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.importPush(ourTopic, 0, 20)
	id, _ := acme.request()
	view := acme.importPush(ourTopic, 1, 385)
	assert.EqualValues(t, 2, view.Certificate.Generation)
	assert.NotNil(t, view.Previous, "Apple has not accepted the new one yet")
	assert.Nil(t, view.LiveRun)
	run, err := acme.PushRenewal(ctx(t), tech, id)
	require.NoError(t, err)
	assert.Equal(t, renewal.PushSuperseded, run.State)

	_, err = acme.ImportPush(ctx(t), tech, runner.PushImport{
		Certificate: h.certificate(ourTopic, pushKey(2), -300, 65), Key: pushKey(2).RevealPEM(),
	})
	p := requireProblem(t, enrollment.CodePushOlder, err)
	assert.Contains(t, p.Next, "newest file")
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))

	view, err = acme.CheckPush(ctx(t), tech)
	require.NoError(t, err)
	assert.True(t, view.Certificate.Proven())
	assert.Nil(t, view.Previous, "Apple has accepted it now")
	require.NoError(t, wholeStore(ctx(t), h.store, h.keys))
}

// An expired one may be taken for its topic's sake, which the renewal then keeps.
func TestAnExpiredFirstOneGivesItsTopic(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	in := runner.PushImport{Certificate: h.certificate(ourTopic, pushKey(0), -400, -2), Key: pushKey(0).RevealPEM(), Expired: true}
	wrong := in
	wrong.Key = pushKey(1).RevealPEM()
	_, err := acme.ImportPush(ctx(t), tech, wrong)
	requireProblem(t, enrollment.CodePushFileExpired, err) // that is not all that is wrong with it
	view, err := acme.ImportPush(ctx(t), tech, in)
	require.NoError(t, err)
	assert.Equal(t, enrollment.Expired, view.Health)
	requireProblem(t, enrollment.CodePushOver, view.Problem)
	id, _ := acme.request()
	_, err = acme.upload(id, h.certificateFor(t, acme, id, otherTopic))
	requireProblem(t, enrollment.CodePushOtherTopic, err)
	_, err = acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, acme.push().Health)
}

// Whoever began to get a first one, and then finds the one that is over, takes that: it is the first still.
func TestAnExpiredFirstOneGivesItsTopicAlsoWhereARenewalWasBegun(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	acme.request()
	_, err := acme.ImportPush(ctx(t), tech, runner.PushImport{
		Certificate: h.certificate(ourTopic, pushKey(0), -400, -2), Key: pushKey(0).RevealPEM(), Expired: true,
	})
	require.NoError(t, err)
	_, err = acme.ImportPush(ctx(t), tech, runner.PushImport{
		Certificate: h.certificate(ourTopic, pushKey(0), -400, -1), Key: pushKey(0).RevealPEM(), Expired: true,
	})
	requireProblem(t, enrollment.CodePushFileExpired, err) // the second is no first one
	id, _ := acme.request()
	_, err = acme.upload(id, h.certificateFor(t, acme, id, otherTopic))
	requireProblem(t, enrollment.CodePushOtherTopic, err)
	_, err = acme.upload(id, h.certificateFor(t, acme, id, ourTopic))
	require.NoError(t, err)
	assert.Equal(t, enrollment.Active, acme.push().Health)
}

// An issuer that is not Apple's is a warning, and refused where the rules say so.
func TestAnotherIssuerIsAWarningOrRefusedByPolicy(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	in := runner.PushImport{Certificate: foreign(t, pushKey(0), ourTopic, x509.ExtKeyUsageClientAuth), Key: pushKey(0).RevealPEM()}
	strict := true
	_, err := h.SetPolicy(ctx(t), tech, enrollment.PolicyChange{RequireAppleIssuer: &strict})
	require.NoError(t, err)
	view, err := acme.ImportPush(ctx(t), tech, in)
	p := requireProblem(t, enrollment.CodePushUnfit, err)
	assert.Contains(t, p.Title, "not Apple")
	require.NotNil(t, view.Report)
	assert.Equal(t, apns.Fail, view.Report.Verdict())

	strict = false
	_, err = acme.SetPolicy(ctx(t), tech, enrollment.PolicyChange{RequireAppleIssuer: &strict})
	require.NoError(t, err)
	view, err = acme.ImportPush(ctx(t), tech, in)
	require.NoError(t, err)
	assert.Equal(t, apns.Warn, view.Report.Verdict())
}

// Files cost work with private keys: a flood of them is held off.
func TestFilesForAPushCertificateAreLimited(t *testing.T) {
	h := newPushHost(t)
	acme := h.customer("acme")
	few := 2
	_, err := acme.SetPolicy(ctx(t), tech, enrollment.PolicyChange{UploadsPerMinute: &few})
	require.NoError(t, err)
	id, _ := acme.request()
	page := []byte("<html>")
	_, err = acme.upload(id, page)
	requireProblem(t, enrollment.CodePushUnfit, err)
	_, err = acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: page})
	requireProblem(t, enrollment.CodePushUnfit, err)
	_, err = acme.upload(id, page)
	requireProblem(t, enrollment.CodeTooManyUploads, err)
	_, err = acme.ImportPush(ctx(t), tech, runner.PushImport{Certificate: page})
	requireProblem(t, enrollment.CodeTooManyUploads, err)
	h.clock.Pass(2 * time.Minute)
	_, err = acme.upload(id, page)
	requireProblem(t, enrollment.CodePushUnfit, err)
}
