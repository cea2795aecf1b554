package dep_test

import (
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func ExampleNewVerifier() {
	_, err := dep.NewVerifier(dep.Options{BaseURL: "http://mdm.example"})
	fmt.Println(err != nil) // another host, and without TLS
	// Output: true
}
