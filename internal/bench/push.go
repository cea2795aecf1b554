package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// pushCertificate is one as it is stored, in DER, issued by the fake portal.
type pushCertificate struct {
	der []byte
	now time.Time
}

func newPushCertificate(ctx context.Context) (*pushCertificate, error) {
	portal := appletest.New(appletest.Options{}).Push()
	chain, pem := portal.Vendor("Acme RMM")
	vendorKey, err := apns.ParseKey(pem)
	if err != nil {
		return nil, err
	}
	vendor, err := apns.NewLocalVendor(chain, vendorKey, time.Now())
	if err != nil {
		return nil, err
	}
	key, err := apns.GenerateKey()
	if err != nil {
		return nil, err
	}
	request, err := apns.NewRequest(key, apns.RequestName{CommonName: "Acme Inc."})
	if err != nil {
		return nil, err
	}
	signed, err := vendor.SignRequest(ctx, request)
	if err != nil {
		return nil, err
	}
	file, err := apns.PortalFile(request, signed)
	if err != nil {
		return nil, err
	}
	row, err := portal.Account("it@acme.example").Create(file)
	if err != nil {
		return nil, err
	}
	c, err := apns.Read(row.PEM, "")
	// By now it is valid: making the keys took a while.
	return &pushCertificate{der: c.DER(), now: time.Now()}, err
}

// inspect is the daily look of a watch at one of very many: from its bytes to every single check.
func (p *pushCertificate) inspect(context.Context) error {
	c, err := apns.ParseCertificate(p.der)
	if err != nil {
		return err
	}
	if report := apns.Inspect(c, apns.Inspection{Now: p.now}); report.Verdict() == apns.Fail {
		return fmt.Errorf("a good certificate fails: %+v", report.Findings)
	}
	return nil
}

// parse is what it cannot do without.
func (p *pushCertificate) parse(context.Context) error {
	_, err := x509.ParseCertificate(p.der)
	return err
}
