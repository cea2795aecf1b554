package abmtoken_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// A key pair is made, stored, and only then its certificate handed out.
func ExampleGenerateKeyPair() {
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed := pair.PrivateKeyPEM()       // Reveal gives the text that you seal and store
	certificate := pair.CertificatePEM() // then this is the file for Apple's portal
	fmt.Println(sealed, len(certificate) > 0, abmtoken.FileName("Acme MDM"))
	// Output: [redacted] true acme-mdm.pem
}

// The file tells which of the held pairs it was made for.
func ExampleOpen() {
	now := time.Now()
	held := make([]abmtoken.KeyPair, 2)
	for i := range held {
		held[i], _ = abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: now})
	}
	file := download(held[1])

	token, pair, err := abmtoken.Open(file, now, held...)
	switch {
	case errors.Is(err, abmtoken.ErrUnknownRecipient):
		fmt.Println("this file was made for a certificate of somebody else")
	case err != nil:
		fmt.Println(err) // says what the file is instead, and what to do
	default:
		fmt.Println(pair.ID() == held[1].ID(), token.Health(now, 30*24*time.Hour), token.AccessToken())
	}
	// Output: true active [redacted]
}

// download stands for a person at Apple's portal, who uploads a certificate and gets a file.
func download(pair abmtoken.KeyPair) []byte {
	admin := appletest.New(appletest.Options{}).AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", pair.CertificatePEM())
	if err != nil {
		return nil
	}
	file, _, _ := admin.DownloadToken(service)
	return file
}

// A wrong file is called by its name.
func ExampleReadEnvelope() {
	_, err := abmtoken.ReadEnvelope([]byte("<!DOCTYPE html><html><body>Sign in</body></html>"))
	var other *abmtoken.NotServerTokenError
	fmt.Println(errors.As(err, &other), other.Kind)
	// Output: true web page
}

// Of two tokens the one with the later expiry is the later download.
func ExampleCompare() {
	parse := func(consumer, expiry string) abmtoken.Token {
		token, err := abmtoken.ParseToken(fmt.Appendf(nil, `{"consumer_key":%q,"consumer_secret":"CS_1","access_token":"AT_1",`+
			`"access_secret":"AS_1","access_token_expiry":%q}`, consumer, expiry))
		if err != nil {
			fmt.Println(err)
		}
		return token
	}
	active, uploaded := parse("CK_1", "2026-11-24T21:27:41Z"), parse("CK_2", "2027-11-24T21:27:41Z")
	found := abmtoken.Compare(active, uploaded)
	fmt.Println(found.Relation, found.OtherConsumerKey) // another consumer key alone is normal
	// Output: newer true
}

// Key pairs of other systems are taken over as they are.
func ExampleImportKeyPair() {
	_, err := abmtoken.ImportKeyPair([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"), nil)
	fmt.Println(err)
	// Output: abmtoken: not a usable key: the private key is locked with a passphrase; unlock it first: openssl pkey -in locked.pem -out key.pem
}
