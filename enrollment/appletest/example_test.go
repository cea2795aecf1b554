package appletest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// certificate is a public key certificate as every server makes one for Apple's portal.
func certificate() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme MDM"},
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// An organization, a person, a service, and the token that the person downloads for it.
func Example() {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	apple := appletest.New(appletest.Options{Now: func() time.Time { return now }})
	org := apple.AddOrganization("Acme Inc.")
	admin := org.AddAdmin("it@acme.example")

	service, err := admin.CreateService("Acme MDM", certificate())
	if err != nil {
		fmt.Println(err)
		return
	}
	file, name, err := admin.DownloadToken(service)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name)
	header, _, _ := strings.Cut(string(file), "\r\n")
	fmt.Println(header)
	// Output:
	// Acme MDM_Token_2026-09-01T12-00-00Z_smime.p7m
	// Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data
}

// A client uses the fake through its transport, under Apple's own host name and without a network.
func ExampleApple_Transport() {
	apple := appletest.New(appletest.Options{})
	client := &http.Client{Transport: apple.Transport()}

	request, err := http.NewRequest(http.MethodGet, "https://mdmenrollment.apple.com/account", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.Do(request) // without a user agent of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body), err)
	// Output: 400 USER_AGENT_INVALID <nil>
}

// Apple is down for two requests, and then asks for patience.
func ExampleApple_Fail() {
	apple := appletest.New(appletest.Options{})
	apple.Fail(appletest.Fault{Kind: appletest.Down, Times: 2})
	apple.Fail(appletest.Unavailable(time.Minute))

	client := &http.Client{Transport: apple.Transport()}
	for range 3 {
		response, err := client.Get("https://mdmenrollment.apple.com/session")
		if err != nil {
			fmt.Println("no connection")
			continue
		}
		fmt.Println(response.StatusCode, "retry after", response.Header.Get("Retry-After"))
		_ = response.Body.Close()
	}
	// Output:
	// no connection
	// no connection
	// 503 retry after 60
}

// A later download kills the token before it at once.
func ExampleService_TokenState() {
	apple := appletest.New(appletest.Options{})
	admin := apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", certificate())
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, _, err := admin.DownloadToken(service); err != nil {
		fmt.Println(err)
		return
	}
	cause, _ := service.TokenState()
	fmt.Println("alive:", cause == appletest.Alive)
	admin.ChangePassword()
	cause, _ = service.TokenState()
	fmt.Println(cause)
	// Output:
	// alive: true
	// the person who downloaded it changed the password
}
