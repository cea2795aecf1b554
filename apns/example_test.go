package apns_test

import (
	"fmt"

	"github.com/abmrenew/abmrenew/apns"
)

func ExampleReport_Verdict() {
	report := apns.Report{Findings: []apns.Finding{
		{Check: "topic", Verdict: apns.Pass}, {Check: "validity", Verdict: apns.Warn, Detail: "expires in 9 days"},
	}}
	fmt.Println(report.Verdict())
	// Output: warn
}
