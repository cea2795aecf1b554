package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"github.com/micromdm/nanodep/tokenpki"
	"github.com/smallstep/pkcs7"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// tokenFile is a server token's file in the shape of Apple's portal (S/MIME around BER of indefinite length, AES-128,
// RSA PKCS #1 v1.5, some 2 KB), and its key in the form that each reader takes.
type tokenFile struct {
	file        []byte
	pair        abmtoken.KeyPair
	key         *rsa.PrivateKey
	certificate *x509.Certificate
	session     []byte // an AES key, encrypted like the one in the file
	now         time.Time
}

func newTokenFile() (*tokenFile, error) {
	f := &tokenFile{now: time.Now()}
	var err error
	if f.pair, err = abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: f.now}); err != nil {
		return nil, err
	}
	if f.key, err = privateKey(f.pair); err != nil {
		return nil, err
	}
	if f.certificate, err = x509.ParseCertificate(f.pair.CertificateDER()); err != nil {
		return nil, err
	}
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", f.pair.CertificatePEM())
	if err != nil {
		return nil, err
	}
	if f.file, _, err = admin.DownloadToken(service); err != nil {
		return nil, err
	}
	f.session, err = rsa.EncryptPKCS1v15(rand.Reader, &f.key.PublicKey, make([]byte, 16)) //nolint:staticcheck // Apple's form
	return f, err
}

func privateKey(pair abmtoken.KeyPair) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(pair.PrivateKeyPEM().Reveal()))
	if block == nil {
		return nil, errors.New("a key pair without a key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(*rsa.PrivateKey), nil
}

// open is everything from the file to a checked token: header, base64, BER, the recipient, RSA, AES, padding, the text
// inside, JSON with every field checked, expiry.
func (f *tokenFile) open(context.Context) error {
	_, _, err := abmtoken.Open(f.file, f.now, f.pair)
	return err
}

// rawRSA is the one operation that nobody can spare.
func (f *tokenFile) rawRSA(context.Context) error {
	_, err := rsa.DecryptPKCS1v15(nil, f.key, f.session) //nolint:staticcheck // the bare operation
	return err
}

// nanodep is everything from the file to the text of the JSON, which it leaves to its caller to parse.
func (f *tokenFile) nanodep(context.Context) error {
	text, err := tokenpki.DecryptTokenJSON(f.file, f.certificate, f.key)
	if err == nil && !bytes.HasPrefix(text, []byte(`{"consumer_key"`)) {
		return errors.New("the peer did not find the token")
	}
	return err
}

// nanodepRead is what nanodep does before the key is used.
func (f *tokenFile) nanodepRead(context.Context) error {
	message, err := tokenpki.UnwrapSMIME(f.file)
	if err == nil {
		_, err = pkcs7.Parse(message)
	}
	return err
}

// read is what comes before the key is used.
func (f *tokenFile) read(context.Context) error {
	_, err := abmtoken.ReadEnvelope(f.file)
	return err
}
