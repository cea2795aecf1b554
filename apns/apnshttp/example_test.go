package apnshttp_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"log"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// Apple is asked whether it takes a certificate. Against the real one, Dial and RootCAs are left out.
func ExampleClient_Probe() {
	push := appletest.New(appletest.Options{}).Push()
	key, err := apns.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	issued := push.Issue(key.Public(), "com.apple.mgmt.External.1", time.Now(), time.Now().AddDate(1, 0, 0))
	certificate, err := apns.Read(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Raw}), "")
	if err != nil {
		log.Fatal(err)
	}

	client, err := apnshttp.New(apnshttp.Options{Dial: push.Dial, RootCAs: push.Roots()})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	result, err := client.Probe(context.Background(), certificate.WithKey(key))
	if err != nil {
		log.Fatal(err) // Apple was not reached: nothing is known
	}
	fmt.Println(result.Outcome)
	// Output: accepted
}
