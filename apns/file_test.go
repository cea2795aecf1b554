package apns_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

func TestReadTakesCertificatesAsPeopleHaveThem(t *testing.T) {
	root, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	key := keys()[2].RevealPEM()
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(privateOf(keys()[2]))})
	bag := append([]byte("Bag Attributes\n    friendlyName: APSP:x\nsubject=UID = x\n"), inPEM(leaf)...)
	for name, c := range map[string]struct {
		file  []byte
		chain int
		key   bool
	}{
		"PEM":                      {file: inPEM(leaf)},
		"PEM with CRLF":            {file: bytes.ReplaceAll(inPEM(leaf), []byte("\n"), []byte("\r\n"))},
		"PEM with a byte order":    {file: append([]byte("\xef\xbb\xbf"), inPEM(leaf)...)},
		"PEM with words before":    {file: bag},
		"DER":                      {file: leaf.Raw},
		"with chain":               {file: inPEM(leaf, issuer.cert, root.cert), chain: 2},
		"with chain upside down":   {file: inPEM(root.cert, issuer.cert, leaf), chain: 2},
		"with a foreign authority": {file: inPEM(leaf, newAuthority(t, "Nobody", 3, nil).cert)},
		"with key":                 {file: append(inPEM(leaf), key...), key: true},
		"key first, PKCS #1":       {file: append(pkcs1, inPEM(issuer.cert, leaf)...), chain: 1, key: true},
	} {
		got, err := apns.Read(c.file, "")
		require.NoError(t, err, name)
		assert.Equal(t, leaf.Raw, got.DER(), name)
		assert.Len(t, got.Chain(), c.chain, name)
		assert.Equal(t, c.key, got.Matches(got.Key()), name)
	}
}

// What is uploaded by mistake is refused by its name.
func TestReadSaysWhatAFileIsInstead(t *testing.T) {
	_, issuer := apple(t)
	leaf := issuer.issue(t, order{})
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, keys()[2].Signer())
	require.NoError(t, err)
	token := "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIAGCSqG\r\n"
	for name, c := range map[string]struct {
		file string
		want apns.FileKind
	}{
		"empty":          {"", apns.FileEmpty},
		"blank":          {" \r\n\t", apns.FileEmpty},
		"web page":       {"<!DOCTYPE html><html><title>Sign in</title></html>", apns.FileHTML},
		"zip":            {"PK\x03\x04rest", apns.FileZip},
		"plist":          {`<?xml version="1.0"?><plist/>`, apns.FilePlist},
		"server token":   {token, apns.FileServerToken},
		"message in DER": {"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0", apns.FileServerToken},
		"message in BER": {"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80", apns.FileServerToken},
		"message in PEM": {"-----BEGIN PKCS7-----\nMIAG\n-----END PKCS7-----\n", apns.FileServerToken},
		"request": {
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})), apns.FileRequest,
		},
		"old request": {
			string(pem.EncodeToMemory(&pem.Block{Type: "NEW CERTIFICATE REQUEST", Bytes: request})), apns.FileRequest,
		},
		"key":             {string(keys()[2].RevealPEM()), apns.FilePrivateKey},
		"text":            {"hello", apns.FileUnknown},
		"cut PEM":         {string(inPEM(leaf)[:300]), apns.FileDamaged},
		"cut DER":         {string(leaf.Raw[:300]), apns.FileDamaged},
		"DER and more":    {string(leaf.Raw) + "\x00", apns.FileDamaged},
		"changed PEM":     {strings.Replace(string(inPEM(leaf)), "MII", "MIJ", 1), apns.FileDamaged},
		"many":            {strings.Repeat(string(inPEM(leaf)), 9), apns.FileDamaged},
		"just a sequence": {"0", apns.FileDamaged},
	} {
		_, err := apns.Read([]byte(c.file), "")
		var refused *apns.FileError
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, c.want, refused.Kind, name)
		require.ErrorIs(t, err, apns.ErrFile, name)
		assert.NotEmpty(t, refused.Kind.Advice(), name)
	}
	_, err = apns.Read(bytes.Repeat([]byte("x"), apns.MaxFile+1), "")
	assert.ErrorIs(t, err, apns.ErrTooLarge)
}

func TestKeysThatAreNotTaken(t *testing.T) {
	ec := "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"
	for name, text := range map[string]string{
		"nothing":        "",
		"certificate":    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		"damaged":        ec,
		"encrypted":      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"encrypted (v1)": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AA\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
	} {
		_, err := apns.ParseKey([]byte(text))
		require.ErrorIs(t, err, apns.ErrKey, name)
	}
	key, err := apns.ParseKey(keys()[1].RevealPEM())
	require.NoError(t, err)
	assert.True(t, key.Public().Equal(keys()[1].Public()))
}
