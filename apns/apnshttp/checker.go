package apnshttp

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/apns"
)

// Checker inspects a tenant's push certificate and asks Apple about it. It implements [apns.Checker].
type Checker struct {
	Source apns.Source // needed
	Client *Client     // needed unless nothing is asked
	Ask    Ask
	Now    func() time.Time // nil: time.Now
	// Inspect is what certificates are held against, but for the time.
	Inspect apns.Inspection
}

// Check implements [apns.Checker]. A certificate that fails the inspection is not shown to Apple. Where Apple cannot be
// asked, the report says so as a warning.
func (c *Checker) Check(ctx context.Context, tenant string) (apns.Report, error) {
	if c.Source == nil || c.Client == nil && c.Ask != AskNothing {
		return apns.Report{}, fmt.Errorf("%w: a Checker needs a Source and, to ask Apple, a Client", ErrOptions)
	}
	certificate, err := c.Source.Certificate(ctx, tenant)
	if err != nil {
		return apns.Report{}, err
	}
	in := c.Inspect
	in.Now = time.Now()
	if c.Now != nil {
		in.Now = c.Now()
	}
	report := apns.Inspect(certificate, in)
	if c.Ask == AskNothing || report.Verdict() == apns.Fail {
		return report, nil
	}
	answer, err := (&Prober{Client: c.Client, Ask: c.Ask}).Probe(ctx, certificate)
	if ctx.Err() != nil {
		return apns.Report{}, context.Cause(ctx)
	}
	if err != nil {
		answer.Finding = unasked(err)
	}
	report.Findings = append(report.Findings, answer.Finding)
	return report, nil
}
