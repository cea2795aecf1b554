package apnshttp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/apns"
)

// Ask says how far a [Checker] goes with Apple.
type Ask int

// How far a check goes.
const (
	AskNothing   Ask = iota // what can be known without Apple
	AskHandshake            // sign in
	AskProbe                // sign in and push to a device token that does not exist; see [Client.Probe]
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

// CheckApple is the name of the finding that tells what Apple said.
const CheckApple = "apple"

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
	ask := c.Client.Handshake
	if c.Ask == AskProbe {
		ask = c.Client.Probe
	}
	result, err := ask(ctx, certificate)
	if ctx.Err() != nil {
		return apns.Report{}, context.Cause(ctx)
	}
	report.Findings = append(report.Findings, finding(result, err))
	return report, nil
}

// finding puts what Apple said into words.
func finding(r Result, err error) apns.Finding {
	found := func(v apns.Verdict, detail, next string) apns.Finding {
		return apns.Finding{Check: CheckApple, Verdict: v, Detail: detail, Next: next}
	}
	why := ""
	if r.Reason != "" {
		why = " (" + r.Reason + ")"
	}
	const renew = "Renew it at identity.apple.com/pushcert, with Renew and the same Apple Account"
	switch {
	case errors.Is(err, ErrNoKey):
		return found(apns.Fail, "nobody can sign in without its private key", "Give the key that its signing request was made with")
	case err != nil:
		return found(apns.Warn, fmt.Sprintf("Apple could not be asked: %v", err), "Check the way to "+Host+", ports 443 and 2197")
	}
	switch r.Outcome {
	case Accepted:
		return found(apns.Pass, "Apple's push service accepts it", "")
	case Certificate:
		return found(apns.Fail, "Apple's push service refuses it"+why, "It was revoked or has expired. "+renew)
	case Environment:
		return found(apns.Fail, "it is for another push service"+why, "Use the MDM push certificate of identity.apple.com/pushcert")
	case Topic:
		return found(apns.Fail, "Apple does not take its topic"+why, "Use the MDM push certificate of identity.apple.com/pushcert")
	case Request:
		return found(apns.Warn, "Apple's push service does not take the question"+why, "Report it to whoever makes this software")
	}
	return found(apns.Warn, "Apple's push service has a trouble of its own"+why, "Nothing; it is asked again")
}
