package runner

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
)

// inspection is what a file is held against: the rules of the tenant, and the certificate that it is to replace.
func (c *change) inspection(ctx context.Context, p *tracked[pushRecord], devices int) (apns.Inspection, error) {
	in := c.rules()
	if p == nil || p.Value.Certificate == nil {
		return in, nil
	}
	in.Devices = devices
	var err error
	in.Before, err = c.openPush(ctx, p.Value.Push, *p.Value.Certificate)
	return in, err
}

func (c *change) rules() apns.Inspection { return inspectionBy(c.policy, c.now) }

func inspectionBy(p enrollment.Policy, now time.Time) apns.Inspection {
	return apns.Inspection{Now: now, ExpiringWithin: p.ExpiringWithin, RequireApple: p.RequireAppleIssuer}
}

// unfit is the problem of a certificate that failed a check; nil: it failed none. The first failure decides which problem it
// is: what is no push certificate at all need not be compared with one. All failures stand in it.
func unfit(report apns.Report, cert apns.Certificate, in apns.Inspection) *enrollment.Problem {
	var failed []apns.Finding
	var details []string
	for _, f := range report.Findings {
		if f.Verdict == apns.Fail {
			failed, details = append(failed, f), append(details, f.Detail)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if problem := problemOfCheck(failed[0].Check, report, cert, in); problem != nil {
		return problem
	}
	return enrollment.NewProblem(enrollment.CodePushUnfit, "finding", strings.Join(details, "; "), "advice", failed[0].Next)
}

// problemOfCheck is the problem that a failed check has of its own; nil: it has none.
func problemOfCheck(check string, report apns.Report, cert apns.Certificate, in apns.Inspection) *enrollment.Problem {
	switch {
	case check == apns.CheckValidity && report.Expired(in.Now):
		return enrollment.NewProblem(enrollment.CodePushFileExpired, "expired", report.NotAfter.Format(time.DateOnly))
	case check == apns.CheckKey:
		return enrollment.NewProblem(enrollment.CodePushNoKeyFits)
	case check == apns.CheckContinuity:
		return discontinued(apns.Continue(in.Before, cert, in.Devices))
	}
	return nil
}

// discontinued says why a certificate may not take the place of another; nil: it may.
func discontinued(s apns.Succession) *enrollment.Problem {
	switch s.Continuity {
	case apns.OtherTopic:
		deaf := "all"
		if s.Devices > 0 {
			deaf = strconv.Itoa(s.Devices)
		}
		return enrollment.NewProblem(enrollment.CodePushOtherTopic, "new", s.NewTopic, "devices", deaf, "old", s.OldTopic)
	case apns.Older:
		return enrollment.NewProblem(enrollment.CodePushOlder, "expires", s.NewEnd.Format(stamp), "active", s.OldEnd.Format(stamp))
	}
	return nil
}

// onlyExpired reports whether nothing is wrong with a certificate but that it has expired.
func onlyExpired(report apns.Report, now time.Time) bool {
	for _, f := range report.Findings {
		if f.Verdict == apns.Fail && f.Check != apns.CheckValidity {
			return false
		}
	}
	return report.Expired(now)
}

// listening is how many devices hear the topic in use, where a certificate has another one; 0: unknown, or of no interest.
func (t *Tenant) listening(ctx context.Context, cert apns.Certificate) int {
	if t.r.cfg.Audience == nil || cert.IsZero() {
		return 0
	}
	p, err := t.r.pushOf(ctx, t.id)
	if err != nil || p.Certificate == nil || p.Certificate.Topic == cert.Topic() {
		return 0 // whatever is wrong, the caller meets it again
	}
	devices, err := t.r.cfg.Audience.Listening(ctx, p.Certificate.Topic)
	if err != nil {
		t.r.log.WarnContext(ctx, "the devices that listen to a topic could not be counted", "tenant", t.id, "error", err)
		return 0
	}
	return devices
}

// pushFileProblem says what is wrong with a file that cannot be read as a push certificate.
func pushFileProblem(err error) *enrollment.Problem {
	unfit := func(finding, advice string) *enrollment.Problem {
		return enrollment.NewProblem(enrollment.CodePushUnfit, "finding", finding, "advice", capital(advice)).Because(err)
	}
	what := strings.TrimPrefix(err.Error(), "apns: ")
	if other, ok := errors.AsType[*apns.FileError](err); ok {
		return unfit(string(other.Kind), other.Kind.Advice())
	}
	switch {
	case errors.Is(err, apns.ErrPassword):
		return enrollment.NewProblem(enrollment.CodePushPassword).Because(err)
	case errors.Is(err, apns.ErrTooLarge):
		return unfit("it is too large", "upload the .pem file of Apple's push certificate portal")
	case errors.Is(err, apns.ErrKey):
		return unfit(what, "give the key that the certificate was requested with, as PEM and not encrypted")
	case errors.Is(err, apns.ErrUnsupported):
		return unfit(what, "export it anew, as PEM")
	}
	return enrollment.NewProblem(enrollment.CodeInternal).Because(err)
}
