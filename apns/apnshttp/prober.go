package apnshttp

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/apns"
)

// Ask says how far a [Prober] or [Checker] goes with Apple.
type Ask int

// How far a check goes.
const (
	AskNothing   Ask = iota // what can be known without Apple
	AskHandshake            // sign in
	AskProbe                // sign in and push to a device token that does not exist; see [Client.Probe]
)

// Prober asks Apple about certificates. It implements [apns.Prober].
type Prober struct {
	Client *Client // needed
	Ask    Ask     // AskHandshake, also if it is zero, or AskProbe
}

// Probe implements [apns.Prober]. Its errors are those of [Client.Handshake].
func (p *Prober) Probe(ctx context.Context, c apns.Certificate) (apns.Answer, error) {
	if p.Client == nil {
		return apns.Answer{}, fmt.Errorf("%w: a Prober needs a Client", ErrOptions)
	}
	ask := p.Client.Handshake
	if p.Ask == AskProbe {
		ask = p.Client.Probe
	}
	result, err := ask(ctx, c)
	if err != nil {
		return apns.Answer{}, err
	}
	return result.Answer(), nil
}

// Answer puts what Apple said into words. What it says about a device says that the certificate is accepted: Apple looks at
// the device last (observed by MDM servers, not documented).
func (r Result) Answer() apns.Answer {
	answer := apns.Answer{Reason: r.Reason, RetryAfter: r.RetryAfter}
	found := func(v apns.Verdict, detail, next string) apns.Answer {
		answer.Finding = apns.Finding{Check: apns.CheckApple, Verdict: v, Detail: detail, Next: next}
		return answer
	}
	why := ""
	if r.Reason != "" {
		why = " (" + r.Reason + ")"
	}
	switch r.Outcome {
	case Accepted, DeviceGone, DeviceToken:
		answer.Reason = ""
		return found(apns.Pass, "Apple's push service accepts it", "")
	case Certificate:
		return found(apns.Fail, "Apple's push service refuses it"+why, "It was revoked or has expired. "+
			"Renew it at identity.apple.com/pushcert, with Renew and the same Apple Account")
	case Environment:
		return found(apns.Fail, "it is for another push service"+why, useAnother)
	case Topic:
		return found(apns.Fail, "Apple does not take its topic"+why, useAnother)
	case Request:
		return found(apns.Warn, "Apple's push service does not take the question"+why, "Report it to whoever makes this software")
	}
	return found(apns.Warn, "Apple's push service has a trouble of its own"+why, "Nothing; it is asked again")
}

const useAnother = "Use the MDM push certificate of identity.apple.com/pushcert"

// unasked is the finding of a check that could not ask.
func unasked(err error) apns.Finding {
	if errors.Is(err, ErrNoKey) {
		return apns.Finding{
			Check: apns.CheckApple, Verdict: apns.Fail, Detail: "nobody can sign in without its private key",
			Next: "Give the key that its signing request was made with",
		}
	}
	return apns.Finding{
		Check: apns.CheckApple, Verdict: apns.Warn, Detail: fmt.Sprintf("Apple could not be asked: %v", err),
		Next: "Check the way to " + Host + ", ports 443 and 2197",
	}
}
