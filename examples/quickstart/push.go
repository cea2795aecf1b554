package main

import (
	"bytes"
	"context"

	"github.com/abmrenew/abmrenew/apns"
)

// push gives the customer a push certificate, and looks at it as before every renewal.
func (s *story) push(ctx context.Context) error {
	s.say("\n3. Without a living push certificate no command reaches a device. Acme gets its first one, signed for by the vendor.")
	run, err := s.acme.StartPushRenewal(ctx, tess)
	if err != nil {
		return err
	}
	vendor, err := s.vendor()
	if err != nil {
		return err
	}
	request, err := s.acme.PushRequest(ctx, tess, run.ID, vendor)
	if err != nil {
		return err
	}
	row, err := s.apple.Push().Account("it@acme.example").Create(request.PortalFile)
	if err != nil {
		return err
	}
	if _, err := s.acme.UploadPush(ctx, tess, run.ID, bytes.NewReader(row.PEM)); err != nil {
		return err
	}
	view, err := s.acme.CheckPush(ctx, tess)
	if err != nil {
		return err
	}
	for _, f := range view.Report.Findings {
		s.say("    %s  %-10s %s", f.Verdict, f.Check, f.Detail)
	}
	s.say("  It is %s: %d days left. Its reminders and its renewal go like the token's, and a new one must keep the topic.", view.Health, view.DaysLeft)
	return nil
}

// vendor is who signs requests as an MDM vendor; Apple's portal takes none without.
func (s *story) vendor() (apns.VendorSigner, error) {
	chain, key := s.apple.Push().Vendor("RMM Inc.")
	parsed, err := apns.ParseKey(key)
	if err != nil {
		return nil, err
	}
	return apns.NewLocalVendor(chain, parsed, s.calendar.Now())
}
