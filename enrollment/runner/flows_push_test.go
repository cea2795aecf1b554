package runner_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// pushFlows are the ways of a push certificate through the runner. That Apple refuses one is tried elsewhere: who uploads such
// a file twice is refused twice.
func pushFlows() []flow {
	taken := []step{pushImport(0), anHour, pushStart, pushRequest}
	return []flow{
		{"the first push certificate", nil, []step{pushStart, pushRequest, pushCreate, pushUpload("")}},
		{"Apple says nothing about a push certificate", append(taken[:4:4], pushRenew, pushAnswer(apns.Warn)), []step{
			pushUpload(enrollment.CodeUnreachable), aDayWithCron, pushAnswer(apns.Pass), checkPush(enrollment.Active),
		}},
		{"a push certificate is renewed elsewhere", taken, []step{pushImport(1), checkPush(enrollment.Active), pushTell}},
		{"a push certificate is retired", taken, []step{pushQuiet, pushCancel, pushRetire}},
	}
}

// pushPapers are what the person has in hand of push certificates.
type pushPapers struct {
	pushRun  enrollment.RenewalID
	request  []byte // for the portal
	made     appletest.PushCertificate
	imported map[int][]byte
	retired  int // how many were retired
}

// pushAnswers is what Apple says of push certificates.
type pushAnswers struct {
	mu      sync.Mutex
	verdict apns.Verdict
}

func (p *pushAnswers) set(v apns.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verdict = v
}

func (p *pushAnswers) Probe(_ context.Context, c apns.Certificate) (apns.Answer, error) {
	if !c.Matches(c.Key()) {
		return apns.Answer{}, errors.New("test: nobody can sign in with this")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return apns.Answer{Finding: apns.Finding{Check: apns.CheckApple, Verdict: p.verdict, Detail: "word"}}, nil
}

// newID makes IDs. A push certificate has the same one in every telling of a flow: when its probes are due depends on it.
func (w *world) newID(prefix string) string {
	if prefix == "psh" {
		return fmt.Sprintf("psh_acme_%d", w.retired)
	}
	return prefix + "_" + strings.ToLower(rand.Text())
}

func (w *world) account() *appletest.PushAccount { return w.apple.Push().Account("it@acme.example") }

var (
	pushStart = step{"start to renew the push certificate", func(ctx context.Context, w *world) error {
		v, err := w.acme().StartPushRenewal(ctx, tech)
		if err == nil {
			w.pushRun = v.ID
		}
		return err
	}}
	pushRequest = step{"take the request", func(ctx context.Context, w *world) error {
		r, err := w.acme().PushRequest(ctx, tech, w.pushRun, vendor())
		if err == nil {
			w.request = r.PortalFile
		}
		return err
	}}
	pushCancel = step{"cancel the renewal of the push certificate", func(ctx context.Context, w *world) error {
		v, err := w.acme().CancelPushRenewal(ctx, tech, w.pushRun)
		if err == nil && v.Live() {
			err = errors.New("it lives on")
		}
		return err
	}}
	pushQuiet = step{"quiet about the push certificate", func(ctx context.Context, w *world) error {
		_, err := w.acme().QuietPush(ctx, tech, newClock().Now().AddDate(0, 2, 0))
		return err
	}}
	pushRetire = step{"retire the push certificate", func(ctx context.Context, w *world) error {
		_, err := w.acme().RetirePush(ctx, tech)
		if err == nil || errors.Is(err, apns.ErrNoCertificate) { // or it was done, and its answer was lost
			w.retired = 1
			return nil
		}
		return err
	}}
	pushTell = step{"tell what Apple said of the push certificate", func(ctx context.Context, w *world) error {
		cert, err := w.PushSource().Certificate(ctx, "acme")
		if err != nil {
			return err
		}
		return w.PushSource().Answered(ctx, "acme", cert, apns.Answer{Finding: apns.Finding{Verdict: apns.Fail}, Reason: "BadCertificate"})
	}}
	pushCreate = portal("create the push certificate", func(w *world) (err error) {
		w.made, err = w.account().Create(w.request)
		return err
	})
	pushRenew = portal("renew the push certificate", func(w *world) (err error) {
		w.made, err = w.account().Renew(w.made.Topic, w.request)
		return err
	})
	aDayWithCron = portal("a day passes, and the cron job runs", func(w *world) error {
		w.clock.Pass(25 * time.Hour)
		return w.rest()
	})
)

func pushUpload(code enrollment.Code) step {
	return step{"upload the push certificate", func(ctx context.Context, w *world) error {
		v, err := w.acme().UploadPush(ctx, tech, w.pushRun, reader(w.made.PEM))
		if err == nil && v.State != renewal.PushCompleted {
			err = fmt.Errorf("it is %s", v.State)
		}
		return expecting(w, code, err)
	}}
}

func pushAnswer(v apns.Verdict) step {
	return portal("Apple says "+string(v)+" about push certificates", func(w *world) error { w.answers.set(v); return nil })
}

func checkPush(health enrollment.Health) step {
	return step{"check the push certificate", func(ctx context.Context, w *world) error {
		v, err := w.acme().CheckPush(ctx, tech)
		if err == nil && v.Health != health {
			err = fmt.Errorf("it is %s", v.Health)
		}
		return err
	}}
}

// pushImport imports the n-th certificate of one topic, each ending later than the one before.
func pushImport(n int) step {
	return step{"import a push certificate", func(ctx context.Context, w *world) error {
		if w.imported[n] == nil {
			w.imported[n] = w.issue(pushKey(n))
		}
		_, err := w.acme().ImportPush(ctx, tech, runner.PushImport{
			Name: "Acme push", Certificate: w.imported[n], Key: pushKey(n).RevealPEM(),
		})
		return err
	}}
}

// issue is what the portal gives for a key that was made elsewhere: the first one of its topic, or a renewed one.
func (w *world) issue(key apns.Key) []byte {
	der, err := apns.NewRequest(key, apns.RequestName{})
	require.NoError(w.t, err)
	signed, err := vendor().SignRequest(w.t.Context(), der)
	require.NoError(w.t, err)
	file, err := apns.PortalFile(der, signed)
	require.NoError(w.t, err)
	if w.made.Topic == "" {
		w.made, err = w.account().Create(file)
	} else {
		w.made, err = w.account().Renew(w.made.Topic, file)
	}
	require.NoError(w.t, err)
	return w.made.PEM
}
