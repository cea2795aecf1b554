package apns_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

func ExampleReport_Verdict() {
	report := apns.Report{Findings: []apns.Finding{
		{Check: "topic", Verdict: apns.Pass}, {Check: "validity", Verdict: apns.Warn, Detail: "expires in 9 days"},
	}}
	fmt.Println(report.Verdict())
	// Output: warn
}

// What a person uploaded is read, and every check shown that did not pass.
func ExampleInspect() {
	var file []byte // as it was uploaded
	certificate, err := apns.Read(file, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	report := apns.Inspect(certificate, apns.Inspection{Now: time.Now(), NeedKey: true})
	for _, finding := range report.Findings {
		if finding.Verdict != apns.Pass {
			fmt.Println(finding.Verdict, finding.Check, finding.Detail, finding.Next)
		}
	}
	// Output:
	// apns: not a certificate: empty file: download the certificate at Apple's push certificate portal and upload that .pem file
}

// A request for the portal: the key is stored before anything made with it leaves.
func ExamplePortalFile() {
	request := func(ctx context.Context, vendor apns.VendorSigner, store func(pem []byte) error) ([]byte, error) {
		key, err := apns.GenerateKey()
		if err != nil {
			return nil, err
		}
		if err := store(key.RevealPEM()); err != nil {
			return nil, err
		}
		der, err := apns.NewRequest(key, apns.RequestName{CommonName: "Acme Inc."})
		if err != nil {
			return nil, err
		}
		signed, err := vendor.SignRequest(ctx, der)
		if err != nil {
			return nil, err
		}
		return apns.PortalFile(der, signed)
	}
	file, err := request(context.Background(), exampleVendor(), func([]byte) error { return nil })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(file) > 1000)
	// Output: true
}

// exampleVendor stands for the host's own signer, here or behind a service.
func exampleVendor() apns.VendorSigner {
	chain, pem := appletest.New(appletest.Options{}).Push().Vendor("Acme RMM")
	key, err := apns.ParseKey(pem)
	if err != nil {
		log.Fatal(err)
	}
	vendor, err := apns.NewLocalVendor(chain, key, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	return vendor
}
