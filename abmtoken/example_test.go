package abmtoken_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
)

func ExampleReadEnvelope() {
	_, err := abmtoken.ReadEnvelope([]byte("<!DOCTYPE html><html><body>Sign in</body></html>"))
	var other *abmtoken.NotServerTokenError
	fmt.Println(errors.As(err, &other), other.Kind)
	// Output: true web page
}

func ExampleGenerateKeyPair() {
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	fmt.Println(err, pair.HasCertificate(), pair.PrivateKeyPEM())
	// Output: <nil> true [redacted]
}
