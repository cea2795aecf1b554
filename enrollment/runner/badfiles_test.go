package runner_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// badFile is something that people upload instead of a token.
type badFile struct {
	name string
	text []byte
	code enrollment.Code
	says string // what it is
	next string // and what to do
}

// badFiles makes one of each kind; those that must look like the server's own are made from its certificate and a good file.
func badFiles(t testing.TB, certificate runner.Certificate, good []byte) []badFile {
	t.Helper()
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Stray", Now: time.Now()})
	require.NoError(t, err)
	damaged := bytes.Clone(good)
	body := damaged[bytes.Index(damaged, []byte("\r\n\r\n")):]
	body[400+bytes.IndexAny(body[400:], "ABCDEFGHIJKLMNOPQRSTUVWXYabcdefghijklmnopqrstuvwxy")]++ // within the encrypted key
	const kind = enrollment.CodeNotServerToken
	return []badFile{
		{"content token", []byte("eyJleHBEYXRlIjoiMjAyNy0wMS0wMVQwMDowMDowMCswMDAwIiwidG9rZW4iOiJhYmMiLCJvcmdOYW1lIjoiQWNtZSJ9"), kind, "content token", "Download Token"},
		{"the server's certificate", certificate.PEM, kind, "certificate", "save it there"},
		{"the same in DER", certificate.DER, kind, "certificate", "save it there"},
		{"private key", []byte(pair.PrivateKeyPEM().Reveal()), kind, "private key", "keep it secret"},
		{"push certificate", pushCertificate(t), kind, "push certificate", "push certificate renewal"},
		{"signed message", signed(t), kind, "signed message", "download the server token again"},
		{"web page", []byte("<!DOCTYPE html><html><body>Sign in</body></html>"), kind, "web page", "sign in again"},
		{"zip", zipped(t, good), kind, "zip archive", "unpack it"},
		{"half a download", good[:len(good)/2], kind, "truncated download", "its end is missing"},
		{"nothing", nil, kind, "empty file", "nothing in it"},
		{"too large", bytes.Repeat([]byte("a"), abmtoken.MaxFile+1), enrollment.CodeTooLarge, "too large", "a few kilobytes"},
		{"letter", []byte("Dear Tess,\n\nplease renew our token.\n"), kind, "file of an unknown kind", "download the server token again"},
		{"decrypted token", []byte(`{"consumer_key":"CK_1","consumer_secret":"CS_1","access_token":"AT_1","access_secret":"AS_1"}`), kind, "decrypted token", "leaked secret"},
		{"no token inside", sealedTo(t, certificate.X509, []byte("-----BEGIN MESSAGE-----\n{\"hello\": \"world\"}\n-----END MESSAGE-----\n")), enrollment.CodeBadContent, "no server token", "Download the token again"},
		{"damaged", damaged, enrollment.CodeCannotDecrypt, "does not decrypt", "download the token again"},
		{"other encryption", otherCipher(t, certificate.X509), enrollment.CodeUnsupported, "encrypted in a way", "exactly as the portal gave it"},
	}
}

func pushCertificate(t testing.TB) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0),
		Subject: pkix.Name{CommonName: "APSP:1", ExtraNames: []pkix.AttributeTypeAndValue{{
			Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: "com.apple.mgmt.External.11111111-2222",
		}}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func signed(t testing.TB) []byte {
	t.Helper()
	message, err := pkcs7.NewSignedData([]byte("enrollment profile"))
	require.NoError(t, err)
	der, err := message.Finish()
	require.NoError(t, err)
	return der
}

func zipped(t testing.TB, file []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("acme_Token.p7m")
	require.NoError(t, err)
	_, err = f.Write(file)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// sealedTo encrypts something else to the server's certificate, as Apple does a token.
func sealedTo(t testing.TB, to *x509.Certificate, text []byte) []byte {
	t.Helper()
	pkcs7.ContentEncryptionAlgorithm = pkcs7.EncryptionAlgorithmAES256CBC
	der, err := pkcs7.Encrypt(text, []*x509.Certificate{to})
	require.NoError(t, err)
	return der
}

func otherCipher(t testing.TB, to *x509.Certificate) []byte {
	t.Helper()
	pkcs7.ContentEncryptionAlgorithm = pkcs7.EncryptionAlgorithmAES128GCM
	der, err := pkcs7.Encrypt([]byte("{}"), []*x509.Certificate{to})
	require.NoError(t, err)
	return der
}
