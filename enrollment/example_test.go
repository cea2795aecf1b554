package enrollment_test

import (
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
)

func ExampleAdvise() {
	fmt.Println(enrollment.Advise(enrollment.Situation{
		PortalAccess: enrollment.Yes, ServiceExists: enrollment.Yes, KeyHeld: enrollment.No,
	}).Advice)
	// Output: replace_certificate
}
