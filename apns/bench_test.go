package apns_test

import (
	"crypto/x509"
	"testing"

	"github.com/abmrenew/abmrenew/apns"
)

// BenchmarkDailyWatch is what a daily look at a stored certificate costs; the goal is 2.5 times what parsing it alone does.
func BenchmarkDailyWatch(b *testing.B) {
	_, issuer := apple(b)
	der := issuer.issue(b, order{}).Raw
	b.Run("parse alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := x509.ParseCertificate(der); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("inspect", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := apns.ParseCertificate(der)
			if err != nil {
				b.Fatal(err)
			}
			if apns.Inspect(c, apns.Inspection{Now: today}).Verdict() != apns.Pass {
				b.Fatal("it is good")
			}
		}
	})
}
